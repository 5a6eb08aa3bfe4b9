"""The table of stage times, and durations in words."""

import os
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.launch.times import duration, last_seconds, load_times
from pipeline.plumbing.stage_times import StageTime

pytestmark = pytest.mark.usefixtures("here")


def keep(stage: str, seconds: float = 1.0, profile: str = "demo", **facts: Any) -> None:
    time = StageTime(stage=stage, seconds=seconds, **facts)
    time.write(paths.stage_time(profile, stage))


def test_stages_of_a_profile_are_in_the_order_of_their_runs() -> None:
    assert load_times("demo") == {}
    names = ["corpora", "train@b", "train@a", "report"]
    for number, stage in enumerate(names):
        keep(stage)
        os.utime(paths.stage_time("demo", stage), (number, number))
    paths.stage_time("demo", "train").write_text('{"schema": "time/1"}')  # nor can this one
    paths.stage_time("demo", "tokens").write_text('{"schema": "time/1", "seconds": Infinity}')
    keep("validate", profile="laptop")
    assert list(load_times("demo")) == names


def test_the_estimate_for_a_resumed_run_covers_all_its_steps() -> None:
    keep("train@a", 30.0, resumed=True, steps=50, all_steps=200)
    keep("train@b", 30.0, resumed=False, steps=50, all_steps=200)  # stopped early by its numbers
    keep("train@c", 3.0, resumed=True, steps=0, all_steps=200)
    assert last_seconds(load_times("demo")) == {"train@a": 120.0, "train@b": 30.0}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (9300, "2 h 35 min"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
