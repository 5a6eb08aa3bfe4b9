"""Stage train@<run>: tokens or features in, trained weights and their history out."""

import argparse
from collections.abc import Mapping
from typing import Any

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.plumbing.checkpoints import mark_finished
from pipeline.plumbing.params import load_params
from pipeline.tokens.left_out import write_left_out
from pipeline.training.run import train_run


def main(argv: list[str]) -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a key of `runs` in params.yaml")
    name = parser.parse_args(argv).run
    params, out = load_params(), paths.run_dir(name)
    outs = (out / paths.WEIGHTS, out / paths.HISTORY, out / paths.RUN_SUMMARY)
    if write_left_out(params, name, *outs):
        return {}
    trained = train_run(params, name, out)
    mark_finished(trained.checkpoint, out / paths.WEIGHTS)
    return trained.facts


if __name__ == "__main__":
    run_stage(main)
