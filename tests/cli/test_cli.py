"""`python -m pipeline`: its commands, what it refuses, and what it does where nobody reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main

Said = pytest.CaptureFixture[str]
COMMANDS = {
    *("repro", "sweep", "readings", "job", "plan", "times", "compare", "plots", "predict"),
    *("export", "render", "rescore", "site", "graph"),
}


def test_help_says_what_every_command_is_for(capsys: Said) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr()
    assert {
        line.split()[0] for line in said.out.splitlines() if line.startswith("    ")
    } >= COMMANDS
    assert said.err == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("", "the following arguments are required: <command>"),
        ("plot", "invalid choice: 'plot'"),
        ("repro --jobs none", "'none' is no number of stages: 1 or more"),
        ("repro --jobs 0", "'0' is no number of stages"),
        ("repro --scheduler tcp://a:1 --jobs 2", "a --scheduler has its own --jobs"),
        ("repro --scheduler tcp://a:1 --dashboard", "a --scheduler has its own --jobs"),
        ("compare one", "name two to compare: A and B"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments: str, complaint: str, capsys: Said) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: python -m pipeline")
    assert complaint in said.err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_how_it_is_used(name: str, capsys: Said) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m pipeline {name}")


TALKATIVE = """
import sys
from pipeline import cli
cli._times = lambda _: sys.stdout.write("caf\\u00e9 " * 100_000)
sys.exit(cli.main(["times"]))
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
