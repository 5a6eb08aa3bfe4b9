"""What the stages took, together; and durations in words."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import paths
from pipeline.files import write_record
from pipeline.launch.times import duration, last_seconds, load_times
from pipeline.schemas import TIME


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths.DVC_YAML.write_text("stages: {corpora: {}, train: {}, report: {}}")


def keep(stage: str, seconds: float, **facts: Any) -> None:
    write_record(paths.stage_time("demo", stage), TIME, {"seconds": seconds, **facts})


def test_stages_are_in_the_order_of_the_graph_and_of_one_profile() -> None:
    for stage in ("report", "train@b", "corpora", "train@a", "removed"):
        keep(stage, 1.0)
    write_record(paths.stage_time("laptop", "validate"), TIME, {"seconds": 1.0})
    assert list(load_times("demo")) == ["corpora", "train@a", "train@b", "report", "removed"]


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\nstages: {}\n=======\n", "stages: [", "stages:", "[]", "a: 2024-13-01"]
)
def test_where_the_graph_cannot_be_read_stages_are_in_the_order_of_names(text: str) -> None:
    paths.DVC_YAML.write_text(text)
    for stage in ("train@b", "train@a", "report"):
        keep(stage, 1.0)
    assert list(load_times("demo")) == ["report", "train@a", "train@b"]


def test_where_nothing_ran_there_is_nothing() -> None:
    assert load_times("demo") == {}


def test_a_record_that_cannot_be_read_is_left_out() -> None:
    keep("corpora", 2.0)
    keep("train", 2.0, steps="x")
    paths.stage_time("demo", "report").write_text('{"schema": "time/1", "seconds": Infinity}')
    assert list(load_times("demo")) == ["corpora"]


def test_a_resumed_training_is_expected_to_take_as_long_as_all_its_steps() -> None:
    keep("train@a", 30.0, resumed=True, steps=50, all_steps=200)
    keep("train@b", 30.0, resumed=False, steps=50, all_steps=200)  # it was stopped by its numbers
    keep("train@c", 3.0, resumed=True, steps=0, all_steps=200)
    assert last_seconds(load_times("demo")) == {"train@a": 120.0, "train@b": 30.0}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (9300, "2 h 35 min"),
    ],
)
def test_durations_are_in_two_units_at_most(seconds: float, said: str) -> None:
    assert duration(seconds) == said
