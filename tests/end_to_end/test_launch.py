"""Stages of the real graph at once, killed in between: they end in the bytes of a serial run.

In a small repository of two runs, which are computed one after the other first, forgotten, and
come again from a launch.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE

import psutil
import pytest

from pipeline.yaml12 import read_yaml
from tests.torture.repository import Repository, small_repository

RUNS = ("multitask-finetune", "sts-pretrain")
KILLED = "multitask-finetune"

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    """Return a repository of two runs, in which everything is up to date."""
    small = small_repository(tmp_path_factory.mktemp("repository"), tiny_backbone_dir)
    small.keep(*RUNS)
    small.set(checkpoints__every_steps=1)
    small.make()
    return small


def outcome(repository: Repository) -> tuple[object, dict[str, str]]:
    """Return all that a launch must leave: what dvc.lock says in any order, and every file."""
    locked = read_yaml(repository.folder / "dvc.lock")
    return locked, repository.hashes("data/runs", "data/scores", "data/predictions", "reports")


def start(
    repository: Repository, *arguments: str, stderr: int = DEVNULL
) -> "subprocess.Popen[bytes]":
    """Begin a program of Python's in the repository."""
    return subprocess.Popen(
        (sys.executable, "-m", *arguments),
        cwd=repository.folder,
        env=repository.environment,
        stdout=DEVNULL,
        stderr=stderr,
    )


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something is so that a process brings about."""
    while not condition():
        assert process.poll() is None, "it did not come to that"
        time.sleep(0.01)


def assert_went_on(repository: Repository) -> None:
    """See that the run was not begun anew."""
    log = (repository.folder / f".logs/train@{KILLED}.log").read_text()
    assert f"{KILLED}  goes on after epoch 0, step " in log


def test_a_killed_launch_goes_on(repository: Repository) -> None:
    before = outcome(repository)
    for run in RUNS:
        repository.forget_run(run)
    with repository.holding(KILLED) as is_held:
        launch = start(repository, "pipeline", "repro", "--jobs", "2")
        wait_for(is_held, launch)
    launch.send_signal(signal.SIGKILL)
    launch.wait()

    again = repository.run(sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert "`dvc repro` agrees" in again.stdout
    assert_went_on(repository)
    assert outcome(repository) == before


def test_the_run_of_a_killed_worker_goes_on_with_another(repository: Repository) -> None:
    before = outcome(repository)
    for run in RUNS:
        repository.forget_run(run)
    with repository.holding(KILLED) as is_held, cluster(repository) as (address, workers):
        launch = start(repository, "pipeline", "repro", "--scheduler", address)
        wait_for(is_held, launch)
        next(w for w in workers if trains(w.pid)).send_signal(signal.SIGKILL)
        launch.wait()
    assert launch.returncode == 0
    assert_went_on(repository)
    assert outcome(repository) == before


@contextmanager
def cluster(
    repository: Repository,
) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """Lend a scheduler's address, and two workers of it."""
    file = repository.folder / "scheduler.json"
    place = ("--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard")
    processes = [start(repository, "dask", "scheduler", "--port", "0", *place)]
    wait_for(file.exists, processes[0])
    worker = ("dask", "worker", "--nthreads", "1", "--no-nanny", *place)
    processes += [start(repository, *worker, stderr=PIPE) for _ in range(2)]
    try:
        for process in processes[1:]:
            assert any(b"Registered to" in line for line in process.stderr or ())
        yield json.loads(file.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def trains(worker: int) -> bool:
    """Say whether a process below this one trains the run that is to be killed."""
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            if process.cmdline()[-2:] == ["stages.train", KILLED]:
                return True
    return False
