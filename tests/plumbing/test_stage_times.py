"""The record of a stage's time is read completely or not at all."""

from pathlib import Path

import pytest

from pipeline.plumbing.stage_times import LIMIT, StageTime, read_time


def test_the_file_name_gives_the_stage(tmp_path: Path) -> None:
    path = tmp_path / "train@sst.json"
    StageTime(stage="?", seconds=2.0, resumed=False).write(path)
    assert read_time(path) == StageTime(stage="train@sst", seconds=2.0, resumed=False)


def test_a_missing_file_gives_none(tmp_path: Path) -> None:
    assert read_time(tmp_path / "report.json") is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"seconds": 1.0}', '{"schema": "time/1"}', '{"schema": "time/2"}', "\0"],
)
def test_a_file_that_is_not_a_time_record_gives_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    assert read_time(path) is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1e19", "9" * 400, "true", '"1"', "[]"])
@pytest.mark.parametrize("key", ["seconds", "steps", "peak_memory_bytes", "examples_per_second"])
def test_unusable_values_give_none(key: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    others = '"schema": "time/1", "stage": "report", "seconds": 1.0'
    path.write_text(f'{{{others}, "{key}": {value}}}')
    assert read_time(path) is None


def test_the_largest_values_still_give_finite_results() -> None:
    values = {"seconds": LIMIT - 1024.0, "steps": 1, "all_steps": LIMIT - 1, "resumed": True}
    time = StageTime(stage="train@sst", **values)
    assert time.whole_seconds == pytest.approx(2.0**126)
