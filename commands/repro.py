"""Run what is out of date: `dvc repro` with a plan before it and little said in between."""

import argparse
import sys

from pipeline.errors import PlanError
from pipeline.launch.plan import plan_stages
from pipeline.launch.repro import become_dvc_repro, use_own_index
from pipeline.launch.summary import summary
from pipeline.launch.times import last_seconds, load_times
from pipeline.params import load_params


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline repro", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="what DVC says, too")
    asked = parser.parse_args(argv)

    last = last_seconds(load_times(load_params().profile))
    use_own_index()
    try:
        stages = plan_stages()
        print(summary(stages, last))
    except PlanError as error:
        stages = []  # DVC itself will tell, or know better
        sys.stderr.write(f"{error}\n")
    become_dvc_repro(stages, last, is_quiet=not asked.verbose)
