"""What each stage took when it last ran under the profile in force."""

import argparse
import json
from dataclasses import asdict

from pipeline.launch.times import duration, load_times
from pipeline.plumbing.params import load_params
from pipeline.plumbing.stage_times import StageTime
from pipeline.reporting.markdown import table

HEADER = ("stage", "time", "peak memory", "examples/s", "steps", "device", "")
RIGHT = ("time", "peak memory", "examples/s", "steps")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline times", description=__doc__)
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    asked = parser.parse_args(argv)

    profile = load_params().profile
    times = list(load_times(profile).values())
    if asked.json:
        print(json.dumps([asdict(time) for time in times], indent=2))
    elif times:
        total = duration(sum(time.seconds for time in times))
        print(table(HEADER, [*map(_row, times), ("all", total, *[""] * 5)], RIGHT))
    else:
        print(f"no stage has run under the profile {profile} yet")


def _row(time: StageTime) -> tuple[str, ...]:
    memory, rate = time.peak_memory_bytes, time.examples_per_second
    return (
        time.stage,
        duration(time.seconds),
        "" if memory is None else f"{memory / 1e6:.0f} MB",
        "" if rate is None else f"{rate:.0f}",
        "" if time.steps is None else str(time.steps),
        "" if time.device is None else f"{time.device}, {time.threads} threads",
        "resumed" if time.resumed else "",
    )
