"""Stage evaluate@<run>: a trained run in, its scores and predictions out."""

import argparse

from pipeline import paths
from pipeline.evaluation.scores import evaluate_run
from pipeline.params import load_params
from stages.entry import run_stage


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a key of `runs` in params.yaml")
    name = parser.parse_args(argv).run
    evaluate_run(load_params(), name, run_dir=paths.run_dir(name), backbone_dir=paths.BACKBONE)


if __name__ == "__main__":
    run_stage(main)
