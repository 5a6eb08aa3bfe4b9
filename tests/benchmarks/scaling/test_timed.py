"""What commands cost, and which are given up."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.scaling.timed import CommandError, timed

SPIN = "import time\nwhile time.process_time() < 0.2: pass"


def test_commands_that_begin_together_take_the_time_of_the_longest(tmp_path: Path) -> None:
    commands = [["sleep", "0.3"], ["sleep", "0.3"]]
    cost = timed(commands, tmp_path, os.environ)
    assert cost is not None
    assert 0.3 <= cost.wall_seconds < 0.6


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
