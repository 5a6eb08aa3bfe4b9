"""`python -m pipeline`: a command that is not there is told with those that are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.__main__ import COMMANDS, main

Said = pytest.CaptureFixture[str]


def test_help_names_every_command(capsys: Said) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()[2:]] == list(COMMANDS)
    assert said.err == ""


@pytest.mark.parametrize("arguments", [[], ["plot"]])
def test_a_command_that_is_not_there_is_a_usage_error(arguments: list[str], capsys: Said) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: python -m pipeline <command>")
    assert all(repr(name) in said.err for name in arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_how_it_is_used(name: str, capsys: Said) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m pipeline {name}")


TALKATIVE = """
import sys
from commands import times
from pipeline import __main__
times.main = lambda _: sys.stdout.write("caf\\u00e9 " * 100_000)
sys.exit(__main__.main(["times"]))
"""


def talk(stdout: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TALKATIVE],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_has_enough_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = talk(writing)
    os.close(writing)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_full_disk_is_told_in_one_line() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    told = talk(full)
    os.close(full)
    assert (told.returncode, told.stderr) == (1, "No space left on device\n")


def test_what_a_terminal_cannot_show_is_spelt_out() -> None:
    told = talk(subprocess.PIPE)
    assert told.returncode == 0
    assert told.stdout.startswith("caf\\xe9 caf")
