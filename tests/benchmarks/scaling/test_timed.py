"""What commands cost, and which are given up."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.scaling.timed import CommandError, timed

SPIN = "import time\nwhile time.process_time() < 0.2: pass"


def test_commands_begin_together(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # one after the other, neither would ever end
    commands = [["sh", "-c", "echo x > pipe"], ["sh", "-c", "cat pipe"]]
    assert timed(commands, tmp_path, os.environ, patience=30.0) is not None


def test_processor_time_and_memory_of_what_a_command_starts_count(tmp_path: Path) -> None:
    shell = ["sh", "-c", f'"{sys.executable}" -S -c "{SPIN}"; true']
    cost = timed([shell], tmp_path, os.environ)
    assert cost is not None
    assert 0.2 <= cost.cpu_seconds < 2
    assert cost.peak_memory_mb > 5


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    # the inner process holds the pipe open: only if it is ended, too, is this ever over
    assert timed([["sh", "-c", "sleep 60; true"]], tmp_path, os.environ, patience=0.2) is None


def test_a_command_that_fails_is_told_of_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such thing"):
        timed([["sh", "-c", "echo no such thing >&2; exit 3"]], tmp_path, os.environ)
