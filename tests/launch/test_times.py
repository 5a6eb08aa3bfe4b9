"""What the stages took, together; and durations in words."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.files import write_record
from pipeline.core.schemas import TIME
from pipeline.launch.times import duration, last_seconds, load_times


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keep(stage: str, seconds: float = 1.0, **facts: Any) -> None:
    write_record(paths.stage_time("demo", stage), TIME, {"seconds": seconds, **facts})


def test_stages_of_one_profile_are_in_the_order_of_their_runs() -> None:
    assert load_times("demo") == {}
    names = ["corpora", "train@b", "train@a", "report"]
    for number, stage in enumerate(names):
        keep(stage)
        os.utime(paths.stage_time("demo", stage), (number, number))
    keep("train", steps="x")  # these two cannot be read
    paths.stage_time("demo", "tokens").write_text('{"schema": "time/1", "seconds": Infinity}')
    write_record(paths.stage_time("laptop", "validate"), TIME, {"seconds": 1.0})
    assert list(load_times("demo")) == names


def test_a_resumed_training_is_expected_to_take_as_long_as_all_its_steps() -> None:
    keep("train@a", 30.0, resumed=True, steps=50, all_steps=200)
    keep("train@b", 30.0, resumed=False, steps=50, all_steps=200)  # it was stopped by its numbers
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
def test_durations_are_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words
