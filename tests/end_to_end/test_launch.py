"""Parallel stages of the real graph, killed midway, give the same bytes as a serial run.

The small repository was first reproduced serially; launches recompute forgotten stages.
"""

import pytest

from tests.launch.conftest import cluster
from tests.torture.repository import Repository

KILLED = "multitask-finetune"
RUNS = (KILLED, "sst-pretrain")

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def assert_continued(repository: Repository) -> None:
    """See that the run was not begun anew, and that no checkpoint is left once it is scored."""
    assert not list((repository.folder / ".checkpoints").glob(f"{KILLED}-*/"))
    log = (repository.folder / f".logs/train@{KILLED}.log").read_text()
    assert f"{KILLED}  resumes after epoch 0, step " in log


def test_a_killed_launch_continues(repository: Repository) -> None:
    before = repository.outcome()
    for run in RUNS:
        repository.forget_run(run)
    with (
        repository.holding(KILLED) as is_held,
        repository.start("pipeline", "repro", "--jobs", "2") as launch,
    ):
        repository.wait_for(is_held)
        launch.kill()

    again = repository.pipeline("repro", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert_continued(repository)
    assert repository.outcome() == before


def test_another_worker_continues_the_run_of_a_killed_one(repository: Repository) -> None:
    before = repository.outcome()
    repository.forget_run(KILLED)
    options = ("--nthreads", "1", "--no-nanny")
    with (
        repository.holding(KILLED) as is_held,
        cluster(repository.start, repository.folder, *options) as (address, (_, *workers)),
        repository.start("pipeline", "repro", "--scheduler", address) as launch,
    ):
        repository.wait_for(is_held)
        (trainer,) = repository.processes("stages.train")
        above = {process.pid for process in trainer.parents()}
        next(worker for worker in workers if worker.pid in above).kill()
        launch.communicate()
    assert launch.returncode == 0
    assert_continued(repository)
    assert repository.outcome() == before
