"""Run one stage by itself under DVC, waiting for others that use its files."""

import argparse
import sys

from pipeline.launch.job import Job


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline job", description=__doc__)
    parser.add_argument("stage", help="as `dvc stage list` names it: train@sst-finetune")
    sys.exit(Job(parser.parse_args(argv).stage).run())
