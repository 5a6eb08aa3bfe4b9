"""Stage train@<run>: train on tokens or features; write the weights and the history."""

from collections.abc import Mapping
from typing import Any

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.plumbing.checkpoints import mark_finished
from pipeline.plumbing.params import load_params
from pipeline.tokens.left_out import write_left_out
from pipeline.training.run import train_run


def main(name: str) -> Mapping[str, Any]:
    params, out = load_params(), paths.run_dir(name)
    outs = (out / paths.WEIGHTS, out / paths.HISTORY, out / paths.RUN_SUMMARY)
    if write_left_out(params, name, *outs):
        return {}
    trained = train_run(params, name, out)
    mark_finished(trained.checkpoint, out / paths.WEIGHTS)
    return trained.facts


if __name__ == "__main__":
    run_stage(main, "run")
