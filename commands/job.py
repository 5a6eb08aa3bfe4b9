"""Run one stage by itself under DVC, waiting for others that use its files."""

import argparse
import sys

from pipeline import paths
from pipeline.launch.environment import use_own_index
from pipeline.launch.job import Job, last_words


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline job", description=__doc__)
    parser.add_argument("--pull", action="store_true", help="what a remote has is not made again")
    parser.add_argument("stage", help="as `dvc stage list` names it: train@sst-finetune")
    asked = parser.parse_args(argv)
    use_own_index()
    log = paths.stage_log(asked.stage)
    status = Job(asked.stage, log, asked.pull).run()
    if status:
        sys.stderr.write(f"{asked.stage} failed: {last_words(log)} ({log} has more)\n")
    sys.exit(status)
