"""Train the readings of the paper that are not the runs' own, and report them beside these.

The other `pair_encoding` of every run on pairs, the other `idle_heads` of every multi-task run:
reports/<profile>/readings.md. The trials of a sweep stay. Then it goes on as `repro`, and hands on
what else it was given (--jobs, --verbose).
"""

import argparse

from commands import repro
from pipeline.launch.readings import readings_of
from pipeline.launch.sweep import described, write_trials
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline readings", description=__doc__)
    parser.add_argument(
        "--dry", action="store_true", help="say what would be trained, and change nothing"
    )
    asked, rest = parser.parse_known_args(argv)
    repro.read_arguments(rest)  # what it would refuse is refused before anything is written

    params = load_params()
    readings = readings_of(params)
    if asked.dry:
        print(*readings, described(params, readings), sep="\n")
        return
    write_trials(params, load_trials(params) | readings)
    print(described(params, readings))
    repro.main(rest)
