"""Stages of the real graph at once, killed in between: they end in the bytes of a serial run.

In a small repository of two runs, which are computed one after the other first, forgotten, and
come again from a launch.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import psutil
import pytest

from pipeline.core.yaml12 import read_yaml
from tests.launch.conftest import cluster
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
    launch.kill()
    launch.wait()

    again = repository.run(sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert_went_on(repository)
    assert outcome(repository) == before


def test_the_run_of_a_killed_worker_goes_on_with_another(repository: Repository) -> None:
    before = outcome(repository)
    for run in RUNS:
        repository.forget_run(run)
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
    assert outcome(repository) == before


def trains(worker: int) -> bool:
    """Say whether a process below this one trains the run that is to be killed."""
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            if process.cmdline()[-2:] == ["stages.train", KILLED]:
                return True
    return False
