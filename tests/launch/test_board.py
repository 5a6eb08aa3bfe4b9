"""Board: a live table on a terminal, lines elsewhere; never both, and no more than fits."""

import re
from collections.abc import Mapping
from io import StringIO

import pytest
from rich.console import Console

from pipeline.launch.board import Board
from pipeline.launch.schedule import Schedule, Task

NAMES = ("train@sst-finetune", "evaluate@sst-finetune", "report")
TASKS = [
    Task(NAMES[0], frozenset(), 41.0),
    Task(NAMES[1], frozenset({NAMES[0]}), 3.0),
    Task(NAMES[2], frozenset({NAMES[1]}), 2.0),
]


class SayingWorkers:
    """Workers whose stages have a word to say."""

    def begin(self, stage: str) -> str | None:
        return stage

    def ended(self) -> Mapping[str, int]:
        return {}

    def says(self, stage: str) -> str:
        return f"{stage}  [bold]epoch 2/3[/bold] " + "and so on " * 20

    def stop(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is left."""


def told(last: dict[str, float], *, is_terminal: bool) -> str:
    """Return what a board wrote of a stage that began, was shown and ended, and one that failed."""
    schedule = Schedule(TASKS)
    file = StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=80, color_system=None)
    with Board(console, last, jobs=2) as board:
        schedule.start(NAMES[0])
        board.began(NAMES[0], "1 thread")
        board.show(schedule, SayingWorkers())
        schedule.end(NAMES[0])
        board.ended(NAMES[0], 0, "", schedule)
        schedule.start(NAMES[1])
        board.began(NAMES[1], "1 thread")
        schedule.fail(NAMES[1])
        board.ended(NAMES[1], 1, "no [such] file", schedule)
    return file.getvalue()


def test_elsewhere_there_is_a_line_at_each_start_and_end() -> None:
    lines = [line[10:] for line in told({}, is_terminal=False).splitlines()]
    assert lines == [
        "train@sst-finetune began, 1 thread",
        "train@sst-finetune done in 0.0 s, 1 of 3",
        "evaluate@sst-finetune began, 1 thread",
        "evaluate@sst-finetune failed after 0.0 s: no [such] file",
    ]


def test_a_terminal_shows_what_runs_where_and_what_it_says() -> None:
    text = told({NAMES[0]: 41.0}, is_terminal=True)
    row = next(line for line in text.splitlines() if "[bold]epoch" in line)
    for word in ("train@sst-finetune", "1 thread", "0.0 s", "41 s", "…"):
        assert word in row
    assert len(re.sub("\x1b\\[[0-9?;]*[a-zA-Z]", "", row)) <= 80
    assert "0 of 3 done, 2 wait" in text
    assert "began" not in text
    assert "left" not in text  # two stages have never been timed


def test_what_is_left_is_told_where_all_are_timed() -> None:
    text = told(dict(zip(NAMES, (40.96, 3.0, 2.0), strict=True)), is_terminal=True)
    assert "at least 41 s left" in text


class WaitingWorkers(SayingWorkers):
    """Workers whose stages wait for one lock."""

    def says(self, stage: str) -> str:
        return "waiting for .dvc/tmp/lock: remove it"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_stages_wait_for_is_told_once_and_whole(is_terminal: bool) -> None:
    schedule = Schedule([Task(name, frozenset(), 1.0) for name in NAMES])
    file = StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=30, color_system=None)
    with Board(console, {}, jobs=3) as board:
        for name in NAMES:
            schedule.start(name)
            board.began(name, "1 thread")
            board.show(schedule, WaitingWorkers())
    line = f"{NAMES[0]}: waiting for .dvc/tmp/lock: remove it"
    assert file.getvalue().count(line) == file.getvalue().count("remove it") == 1
