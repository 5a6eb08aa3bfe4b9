"""Job: one stage under DVC that waits for others, and ends with the process that asked for it."""

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipeline.launch.job import last_words
from tests.launch.conftest import ShellRepository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

New = Callable[[str], ShellRepository]

GRAPH = """
stages:
  words:
    cmd: echo words >words
    outs: [words]
  slow:
    cmd: echo slow >>ran; while test ! -e go; do sleep 0.1 || exit; done; cat words >slow
    deps: [words]
    outs: [slow]
"""
ASKER = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "pipeline", "job", "slow"])
"""


def test_a_stage_that_another_dvc_runs_is_waited_for(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    other = repository.start("dvc", "repro", "slow")
    repository.wait_for((repository.folder / "ran").exists)
    job = repository.start(sys.executable, "-m", "pipeline", "job", "slow")
    log = repository.folder / ".logs/slow.log"
    repository.wait_for(lambda: log.exists() and "waiting for" in log.read_text())
    assert f"waiting for process {other.pid} (" in log.read_text()
    assert "if no such DVC runs, remove .dvc/tmp/rwlock" in log.read_text()
    (repository.folder / "go").touch()
    for process in (other, job):
        told, _ = process.communicate()
        assert process.returncode == 0, told
    assert repository.ran() == ["slow"]


def test_a_stage_ends_with_the_process_that_asked_for_it(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    assert repository.run("dvc", "repro", "words").returncode == 0
    asker = repository.start(sys.executable, "-c", ASKER)
    repository.wait_for((repository.folder / "ran").exists)
    asker.send_signal(signal.SIGKILL)
    asker.communicate()
    psutil.wait_procs(processes_in(repository.folder))  # none stays for ever


def test_a_stage_that_is_not_there_is_told(shell_repository: New) -> None:
    done = shell_repository(GRAPH).run(sys.executable, "-m", "pipeline", "job", "wrods")
    assert done.returncode != 0
    assert "wrods failed: ERROR: " in done.stderr
    assert "(.logs/wrods.log has more)" in done.stderr


def test_a_stage_that_fails_is_told_by_its_own_last_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("began\n12:00:00  it broke\n\nERROR: failed to reproduce 'x': exited with 1\n")
    assert last_words(log) == "it broke"
    log.write_text("ERROR: failed to reproduce 'x': missing data\n")
    assert last_words(log) == "ERROR: failed to reproduce 'x': missing data"
    assert last_words(tmp_path / "none") == ""


def processes_in(folder: Path) -> list[psutil.Process]:
    """List the processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder):
                found.append(process)
    return found
