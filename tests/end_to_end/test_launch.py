"""Stages of the real graph at once, killed in between: they end in the bytes of a serial run.

In a small repository whose runs were computed one after the other first; what is forgotten comes
again from a launch.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from subprocess import DEVNULL, PIPE, STDOUT

import psutil
import pytest

from tests.launch.conftest import cluster
from tests.torture.repository import Repository

KILLED = "multitask-finetune"
RUNS = (KILLED, "sst-pretrain")

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def start(
    repository: Repository, *arguments: str, output: int = DEVNULL
) -> "subprocess.Popen[bytes]":
    """Begin a program of Python's in the repository."""
    return subprocess.Popen(
        (sys.executable, "-m", *arguments),
        cwd=repository.folder,
        env=repository.environment,
        stdout=output,
        stderr=STDOUT,
    )


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something is so that a process brings about."""
    while not condition():
        assert process.poll() is None, "it did not come to that"
        time.sleep(0.01)


def assert_went_on(repository: Repository) -> None:
    """See that the run was not begun anew, and that no checkpoint is left once it is scored."""
    assert not list((repository.folder / ".checkpoints").glob(f"{KILLED}-*/"))
    log = (repository.folder / f".logs/train@{KILLED}.log").read_text()
    assert f"{KILLED}  goes on after epoch 0, step " in log


def test_a_killed_launch_continues(repository: Repository) -> None:
    before = repository.outcome()
    for run in RUNS:
        repository.forget_run(run)
    with repository.holding(KILLED) as is_held:
        launch = start(repository, "pipeline", "repro", "--jobs", "2")
        wait_for(is_held, launch)
    launch.kill()
    launch.wait()

    again = repository.run(sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert_went_on(repository)
    assert repository.outcome() == before


def test_another_worker_continues_the_run_of_a_killed_one(repository: Repository) -> None:
    before = repository.outcome()
    repository.forget_run(KILLED)
    begin = partial(start, repository, output=PIPE)
    options = ("--nthreads", "1", "--no-nanny")
    with (
        repository.holding(KILLED) as is_held,
        cluster(begin, repository.folder, *options) as (address, (_, *workers)),
    ):
        launch = start(repository, "pipeline", "repro", "--scheduler", address)
        wait_for(is_held, launch)
        next(w for w in workers if trains(w.pid)).kill()
        launch.wait()
    assert launch.returncode == 0
    assert_went_on(repository)
    assert repository.outcome() == before


def trains(worker: int) -> bool:
    """Say whether a process below this one trains the run that is to be killed."""
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            if process.cmdline()[-2:] == ["stages.train", KILLED]:
                return True
    return False
