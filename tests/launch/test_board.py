"""Board: a live table on a terminal, lines elsewhere; never both, and never too wide."""

import re
import time
from io import StringIO

import pytest
from rich.console import Console

from pipeline.core import paths
from pipeline.launch.board import Board, Progress

pytestmark = pytest.mark.usefixtures("here")

NAMES = ("train@sst-finetune", "evaluate@sst-finetune", "report")


def shown(words: str, *, is_terminal: bool, width: int = 80) -> str:
    """Return the output of a board for two running stages with these lines."""
    for name in NAMES[:2]:
        paths.stage_log(name).parent.mkdir(exist_ok=True)
        paths.stage_log(name).write_text(f"began\n12:00:00  {words}\n")
    file = StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=width, color_system=None)
    board = Board(console, {NAMES[0]: 41.0})
    running = {name: ("1 thread", time.monotonic()) for name in NAMES[:2]}
    progress = Progress({NAMES[2]}, running, {"tokens"})
    with board.live:
        for name in progress.running:
            board.began(name, "1 thread")
        board.show(progress)
        board.show(progress)
    return file.getvalue()


def test_a_terminal_shows_what_runs_where_and_what_it_says() -> None:
    text = shown("[bold]epoch 2/3[/bold] " + "and so on " * 20, is_terminal=True)
    row = next(line for line in text.splitlines() if "[bold]epoch" in line)
    for word in (NAMES[0], "1 thread", "0.0 s", "41 s", "…"):
        assert word in row
    assert len(re.sub("\x1b\\[[0-9?;]*[a-zA-Z]", "", row)) <= 80
    assert "1 done, 1 wait" in text
    assert "began" not in text


def test_without_a_terminal_there_are_only_lines() -> None:
    lines = [line[10:] for line in shown("epoch", is_terminal=False).splitlines()]
    assert lines == [f"{name} began, 1 thread" for name in NAMES[:2]]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_wait_of_stages_is_reported_once_and_completely(is_terminal: bool) -> None:
    text = shown("waiting for .dvc/tmp/lock: remove it", is_terminal=is_terminal, width=30)
    line = f"{NAMES[0]}: waiting for .dvc/tmp/lock: remove it"
    assert text.count(line) == text.count("remove it") == 1
