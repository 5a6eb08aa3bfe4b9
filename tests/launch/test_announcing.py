"""Commands that wait for a DVC lock say so, continue when it is free, and stop on Ctrl-C.

With `core.hardlink_lock`, a killed DVC process leaves its lock behind.
"""

import signal
import sys
from pathlib import Path

import pytest

from tests.launch.conftest import ShellRepository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

GRAPH = """
stages:
  words:
    cmd: echo words >>ran; echo words >words
    outs: [words]
  more:
    cmd: echo more >>ran; echo more >more
    outs: [more]
"""
AS_IF_KILLED = """
import os, signal
from dvc.lock import HardlinkLock
HardlinkLock({path!r}, tmp_dir=".dvc/tmp").lock()
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_lock(repository: ShellRepository, path: str) -> None:
    """Leave a lock behind, as a killed DVC process does."""
    program = AS_IF_KILLED.format(path=str(repository.folder / path))
    killed = repository.run(sys.executable, "-c", program)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def test_a_stale_lock_is_named_until_somebody_removes_it(tmp_path: Path) -> None:
    repository = ShellRepository(tmp_path, GRAPH)
    repository.done("dvc", "config", "core.hardlink_lock", "true")

    leave_lock(repository, ".dvc/tmp/rwlock.lock")  # DVC's stages wait for this lock
    launch = repository.start("pipeline", "repro", "--jobs", "2")
    repository.line_with("remove .dvc/tmp/rwlock.lock", launch)  # the other waits for this one
    launch.send_signal(signal.SIGINT)
    launch.communicate()
    assert launch.returncode == 128 + signal.SIGINT
    assert repository.processes() == []
    (tmp_path / ".dvc/tmp/rwlock.lock").unlink()

    leave_lock(repository, ".dvc/tmp/lock")
    commands = (("repro",), ("job", "words"), ("repro", "--jobs", "2"))
    *others, launch = (repository.start("pipeline", *command) for command in commands)
    for waiting in (*others, launch):
        line = repository.line_with("waiting for .dvc/tmp/lock: taken at 20", waiting)
        assert "nobody will release it: remove .dvc/tmp/lock" in line
    for waiting in others:
        waiting.send_signal(signal.SIGINT)
        rest, _ = waiting.communicate()
        assert waiting.returncode not in (0, None)
        assert "waiting for" not in rest  # only once
        assert "Traceback" not in rest
    assert not (tmp_path / "ran").exists()

    (tmp_path / ".dvc/tmp/lock").unlink()
    rest, _ = launch.communicate()
    assert launch.returncode == 0, rest
    assert sorted(repository.ran()) == ["more", "words"]
    assert repository.processes() == []
