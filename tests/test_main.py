"""`python -m pipeline`: a command that is not there is told with those that are."""

import subprocess
import sys

import pytest

from pipeline.__main__ import COMMANDS


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments], capture_output=True, text=True
    )


def test_help_names_every_command() -> None:
    told = asked("--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert [line.split()[0] for line in told.stdout.splitlines()[2:]] == list(COMMANDS)


@pytest.mark.parametrize("arguments", [(), ("plot",)])
def test_a_command_that_is_not_there_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    told = asked(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("usage: python -m pipeline <command>")
    assert all(repr(name) in told.stderr for name in arguments)
