"""What `make repro` would do, and why: which stages would run, come back from the cache, or not."""

import argparse
import sys

from rich.console import Console

from pipeline.launch.environment import use_own_index
from pipeline.launch.plan import Outcome, plan_stages
from pipeline.launch.summary import as_json, as_table, summary
from pipeline.launch.sweep import guessed
from pipeline.launch.times import last_seconds, load_times
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials

WIDTH = 100  # of what no terminal shows


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline plan", description=__doc__)
    parser.add_argument("--all", action="store_true", help="stages that are up to date, too")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    asked = parser.parse_args(argv)

    params = load_params()
    last = guessed(last_seconds(load_times(params.profile)), load_trials(params))
    use_own_index()
    stages = plan_stages()
    if asked.json:
        print(as_json(stages, last))
        return
    shown = [stage for stage in stages if asked.all or stage.outcome != Outcome.UP_TO_DATE]
    if shown:
        Console(width=None if sys.stdout.isatty() else WIDTH).print(as_table(shown, last))
    print(summary(stages, last))
