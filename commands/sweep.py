"""Train runs under more seeds, or with other settings, and report how far their scores spread.

What is asked for takes the place of the sweep before; results of that one stay in DVC's cache. The
trials of `readings` stay, unless the sweep is ended. Then it goes on as `repro`, and hands on what
else it was given (--jobs, --verbose).
"""

import argparse

from commands import repro
from pipeline.launch.readings import kept_readings
from pipeline.launch.sweep import (
    EXAMPLE,
    described,
    read_grid,
    swept_runs,
    trials_of,
    write_trials,
)
from pipeline.plumbing.params import load_params


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline sweep", description=__doc__)
    add = parser.add_argument
    add("--seeds", type=int, help="how many, that of params.yaml included; 1 ends a sweep")
    add("--runs", help="which, separated by commas (default: all that have a row of Table 3)")
    add("--grid", help=f"settings to try with these runs, each with each: {EXAMPLE!r}")
    add("--dry", action="store_true", help="say what would be trained, and change nothing")
    asked, rest = parser.parse_known_args(argv)
    repro.read_arguments(rest)  # what it would refuse is refused before anything is written
    if asked.seeds is None and asked.grid is None:
        parser.error("say how many --seeds, or give a --grid, or both")
    if asked.grid is not None and asked.runs is None:
        parser.error("say of which --runs the grid is: frozen and finetuned ones differ in rate")
    if asked.seeds is not None and asked.seeds < 1:
        parser.error("--seeds counts from 1, the seed of params.yaml")

    params = load_params()
    runs = swept_runs(params, asked.runs)
    grid = read_grid(asked.grid) if asked.grid is not None else {}
    trials = trials_of(params, runs, asked.seeds or 1, grid)
    if asked.dry:
        print(*trials, described(params, trials), sep="\n")
        return
    write_trials(params, trials | kept_readings(params) if trials else {})
    print(described(params, trials))
    repro.main(rest)
