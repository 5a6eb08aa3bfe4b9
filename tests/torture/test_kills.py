"""A run that is killed at random points or lacks disk space ends with the same bytes."""

from signal import SIGINT, SIGKILL, SIGTERM, Signals

import pytest

from tests.torture.kills import kill, starve
from tests.torture.repository import Repository

pytestmark = pytest.mark.slow

# tests/training/test_resume.py kills the two other kinds of run at every step
PLAN = [
    ("multitask-finetune", SIGKILL, 8),
    ("sst-pretrain", SIGKILL, 4),
    ("multitask-finetune", SIGTERM, 2),
    ("sst-pretrain", SIGINT, 2),
]


@pytest.fixture(scope="module", autouse=True)
def _longer(repository: Repository) -> None:
    """Make runs take more than one epoch."""
    epochs = {"pretrain": 3, "finetune": 2}
    repository.set(profiles__demo__epochs=epochs, checkpoints__every_steps=2)


@pytest.mark.parametrize(("run", "number", "kills"), PLAN)
def test_a_killed_run_ends_with_the_same_bytes(
    repository: Repository, run: str, number: Signals, kills: int
) -> None:
    tally = kill(repository, run, number, kills, seed=len(run) + kills)
    assert tally.wrong == []
    assert tally.survived == tally.injected == kills
    assert max(tally.lost_steps) <= 4  # a checkpoint every two steps, and kills while it is written


def test_a_run_without_disk_space_leaves_nothing_and_is_repeated(repository: Repository) -> None:
    tally = starve(repository, "sst-pretrain", parts=(0.5,))
    assert tally.wrong == []
    assert tally.survived == tally.injected == 1
