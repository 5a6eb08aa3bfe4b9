"""Stage inputs: for each run, the list of files it reads, with hashes."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.inputs import write_inputs
from pipeline.left_out import write_no_inputs
from pipeline.params import load_params


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    params = load_params()
    for name, run in params.runs.items():
        write_inputs(name, run, paths.inputs_json(name))
    for name in params.left_out:
        write_no_inputs(name)


if __name__ == "__main__":
    run_stage(main)
