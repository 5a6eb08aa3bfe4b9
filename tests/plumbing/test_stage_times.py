"""The record of a stage's time is read completely or not at all."""

from pathlib import Path

import pytest

from pipeline.plumbing.stage_times import LIMIT, StageTime, read_time


def test_the_file_name_gives_the_stage(tmp_path: Path) -> None:
    path = tmp_path / "train@sst.json"
    StageTime(stage="?", seconds=2.0, resumed=False).write(path)
    assert read_time(path) == StageTime(stage="train@sst", seconds=2.0, resumed=False)


NUMBERS = ["NaN", "Infinity", "-1", "1e19", "9" * 400, "true", '"1"', "[]"]
KEYS = ("seconds", "steps", "peak_memory_bytes", "examples_per_second")
GOOD = '"schema": "time/1", "seconds": 1.0'


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"seconds": 1.0}', '{"schema": "time/1"}', '{"schema": "time/2"}'),
        "\0",
        *(f'{{{GOOD}, "{key}": {number}}}' for key in KEYS for number in NUMBERS),
    ],
)
def test_what_is_no_record_of_a_time_or_has_no_number_to_count_with_is_not_read(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    assert read_time(path) is None
    path.write_text(text)
    assert read_time(path) is None


def test_the_largest_values_still_give_finite_results() -> None:
    values = {"seconds": LIMIT - 1024.0, "steps": 1, "all_steps": LIMIT - 1, "resumed": True}
    time = StageTime(stage="train@sst", **values)
    assert time.whole_seconds == pytest.approx(2.0**126)
