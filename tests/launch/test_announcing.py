"""A lock of DVC's that is held: what waits for it says so, goes on when it is free, ends on Ctrl-C.

Under `core.hardlink_lock`, a DVC that is killed leaves its lock behind for ever.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from tests.launch.conftest import ShellRepository
from tests.launch.test_job import processes_in

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

New = Callable[[str], ShellRepository]

GRAPH = """
stages:
  words:
    cmd: echo words >>ran; echo words >words
    outs: [words]
  more:
    cmd: echo more >>ran; echo more >more
    outs: [more]
"""
HOLDER = """
import sys
from dvc.repo import Repo
Repo(".").lock.lock()
print("held", flush=True)
sys.stdin.read()
"""
COMMANDS = {
    "repro": ("repro",),
    "repro, several at once": ("repro", "--jobs", "2"),
    "job": ("job", "words"),
}
AS_IF_KILLED = """
import os, signal
from dvc.lock import HardlinkLock
HardlinkLock({path!r}, tmp_dir=".dvc/tmp").lock()
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_lock(repository: ShellRepository, path: str) -> None:
    """Leave a lock behind, as a DVC that is killed does."""
    repository.done("dvc", "config", "core.hardlink_lock", "true")
    program = AS_IF_KILLED.format(path=str(repository.folder / path))
    killed = repository.run(sys.executable, "-c", program)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def line_with(words: str, process: "subprocess.Popen[str]") -> str:
    """Read what a process says up to a line; return that."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if words in line:
            return line
    raise AssertionError("".join(said))


def start(repository: ShellRepository, command: Sequence[str]) -> "subprocess.Popen[str]":
    return repository.start(sys.executable, "-m", "pipeline", *command)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_lock_that_nobody_holds_is_told_and_ctrl_c_ends_the_wait(
    command: Sequence[str], shell_repository: New
) -> None:
    repository = shell_repository(GRAPH)
    leave_lock(repository, ".dvc/tmp/lock")
    waiting = start(repository, command)
    line = line_with("waiting for ", waiting)
    assert "waiting for .dvc/tmp/lock: taken at 20" in line
    assert "nobody will release it: remove .dvc/tmp/lock" in line
    waiting.send_signal(signal.SIGINT)
    rest, _ = waiting.communicate()
    assert waiting.returncode not in (0, None)
    assert "waiting for" not in rest  # once, whatever waits
    assert "Traceback" not in rest
    assert processes_in(repository.folder) == []
    assert not (repository.folder / "ran").exists()


def test_once_the_lock_is_removed_it_goes_on(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    leave_lock(repository, ".dvc/tmp/lock")
    waiting = start(repository, ("repro", "--jobs", "2"))
    line_with("waiting for .dvc/tmp/lock", waiting)
    (repository.folder / ".dvc/tmp/lock").unlink()
    rest, _ = waiting.communicate()
    assert waiting.returncode == 0, rest
    assert sorted(repository.ran()) == ["more", "words"]


def test_ctrl_c_ends_the_last_look_too(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    repository.done("dvc", "repro", "--quiet")
    # the file that DVC's other kind of lock leaves behind is held, for this one
    repository.done("dvc", "config", "core.hardlink_lock", "true")
    waiting = start(repository, ("repro", "--jobs", "2"))
    line_with("waiting for .dvc/tmp/lock", waiting)
    waiting.send_signal(signal.SIGINT)
    rest, _ = waiting.communicate()
    assert waiting.returncode == 128 + signal.SIGINT
    assert "stopped; `make repro` goes on from there" in rest
    assert processes_in(repository.folder) == []


def test_a_process_that_holds_the_lock_is_named(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    with subprocess.Popen(
        (sys.executable, "-c", HOLDER),
        cwd=repository.folder,
        env=repository.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        line_with("held", holder)
        waiting = start(repository, ("repro",))
        line = line_with("waiting for ", waiting)
        holder.communicate()  # ends it
    assert f"waiting for .dvc/tmp/lock: process {holder.pid} ({sys.executable} -c" in line
    rest, _ = waiting.communicate()
    assert waiting.returncode == 0, rest
    assert sorted(repository.ran()) == ["more", "words"]


def test_a_lock_for_which_dvc_does_not_wait_is_named_as_well(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    leave_lock(repository, ".dvc/tmp/rwlock.lock")
    done = repository.run(sys.executable, "-m", "pipeline", "repro")
    assert done.returncode == 255
    assert "Unable to acquire lock .dvc/tmp/rwlock.lock: taken at 20" in done.stderr

    launch = start(repository, ("repro", "--jobs", "2"))
    assert "remove .dvc/tmp/rwlock.lock" in line_with("waiting for ", launch)
    launch.send_signal(signal.SIGINT)
    launch.communicate()
    assert launch.returncode == 128 + signal.SIGINT
    assert processes_in(repository.folder) == []
