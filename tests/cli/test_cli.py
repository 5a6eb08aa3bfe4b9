"""`python -m pipeline`: its commands, usage errors, and output that cannot be written."""

import os
import re
import sys
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.cli import main

Said = pytest.CaptureFixture[str]


def test_help_lists_every_command_and_every_command_has_a_usage_line(capsys: Said) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    captured = capsys.readouterr()
    names = [line.split()[0] for line in captured.out.splitlines() if re.match(" {4}[a-z]", line)]
    assert {"repro", "graph"} < set(names)
    assert captured.err == ""
    for name in names:
        with pytest.raises(SystemExit, match="0"):
            main([name, "--help"])
        assert capsys.readouterr().out.startswith(f"usage: python -m pipeline {name}")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("", "the following arguments are required: <command>"),
        ("plot", "invalid choice: 'plot'"),
        ("repro --jobs none", "'none' is not a number from 1 up"),
        ("repro --jobs 0", "'0' is not a number from 1 up"),
        ("repro --scheduler tcp://a:1 --jobs 2", "--dashboard do not work with --scheduler"),
        ("repro --scheduler tcp://a:1 --dashboard", "--dashboard do not work with --scheduler"),
        ("compare one", "name two things to compare: A and B"),
        ("sweep", "give --seeds, --grid or both"),
        ("sweep --grid dropout=0.1", "name the --runs that the grid is for"),
        ("sweep --seeds 0", "'0' is not a number from 1 up"),
        ("sweep --seeds 3 --sedes 2", "unrecognized arguments: --sedes 2"),
        ("predict --run a", "give texts, or --pair, or --input"),
        ("predict --run a b --input c", "give texts, or --pair, or --input"),
        ("predict --run a b --pair c d", "give texts, or --pair, or --input"),
    ],
)
@pytest.mark.usefixtures("three_files")
def test_invalid_arguments_are_usage_errors(arguments: str, complaint: str, capsys: Said) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: python -m pipeline")
    assert complaint in captured.err


def print_much(stdout: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command with a long output into a file; return its exit status."""
    with os.fdopen(stdout, "w", encoding="ascii") as file, monkeypatch.context() as patch:
        patch.setattr(cli, "_times", lambda _: file.write("café " * 100_000))
        patch.setattr(sys, "stdout", file)
        return cli.main(["times"])


def test_a_reader_may_close_the_pipe_early(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert print_much(writing, monkeypatch) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_full_disk_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    assert print_much(os.open("/dev/full", os.O_WRONLY), monkeypatch) == 1
    assert capsys.readouterr().err == "No space left on device\n"


def test_characters_that_a_terminal_cannot_show_are_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert print_much(os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT), monkeypatch) == 0
    assert (tmp_path / "output").read_text().startswith("caf\\xe9 caf")
