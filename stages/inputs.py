"""Stage inputs: for each run, the list of files it reads, with hashes."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.inputs import write_inputs
from pipeline.left_out import write_left_out
from pipeline.params import load_params


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    params = load_params()
    for name in params.all_runs:
        out = paths.inputs_json(name)
        if not write_left_out(params, name, out):
            write_inputs(name, params.run(name), out)


if __name__ == "__main__":
    run_stage(main)
