"""Killed at random points or starved, every kind of run ends in the same bytes."""

from contextlib import chdir
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any

import pytest

from pipeline.core.files import md5_of
from stages import evaluate
from tests.torture.kills import checkpoints_of, clear, kill, starve, train
from tests.torture.repository import Repository

pytestmark = pytest.mark.slow

# single-task and multi-task, finetuned and frozen: 24 kills, and 4 polite ones
PLAN = [
    ("sts-finetune", SIGKILL, 7),
    ("multitask-finetune", SIGKILL, 8),
    ("sst-pretrain", SIGKILL, 4),
    ("multitask-pretrain", SIGKILL, 5),
    ("multitask-finetune", SIGTERM, 2),
    ("sst-pretrain", SIGINT, 2),
]


@pytest.fixture(scope="module")
def repository(new_repository: Any) -> Repository:
    small: Repository = new_repository({"pretrain": 3, "finetune": 2}, every_steps=2)
    return small


@pytest.mark.parametrize(("run", "number", "kills"), PLAN)
def test_a_killed_run_ends_in_the_bytes_of_one_left_alone(
    repository: Repository, run: str, number: Signals, kills: int
) -> None:
    tally = kill(repository, run, number, kills, seed=len(run) + kills)
    assert tally.wrong == []
    assert tally.survived == tally.injected == kills
    assert max(tally.lost_steps) <= 4  # a checkpoint every two steps, and kills while it is written


def test_a_starved_training_leaves_nothing_and_is_made_up_for(repository: Repository) -> None:
    tally = starve(repository, "sst-pretrain", parts=(0.5,))
    assert tally.wrong == []
    assert tally.survived == tally.injected == 1


def test_other_settings_begin_anew_and_say_so(repository: Repository) -> None:
    run = "sst-pretrain"
    clear(repository, run)
    train(repository, run, 8)
    rate = repository.params()["runs"][run]["learning_rate"]
    repository.set(runs__sst_dash_pretrain__learning_rate=rate * 2)
    try:
        ended = train(repository, run)
    finally:
        repository.set(runs__sst_dash_pretrain__learning_rate=rate)
    assert ended.status == 0
    assert "sst-pretrain  begins anew: what there is in .checkpoints is of other" in ended.said
    assert len(checkpoints_of(repository, run)) == 2


def test_a_run_that_dvc_has_taken_in_leaves_no_checkpoint_once_it_is_scored(
    repository: Repository,
) -> None:
    run = "sst-pretrain"
    clear(repository, run)
    train(repository, run)
    for left in (1, 0):
        with chdir(repository.folder):
            evaluate.main([run])
        assert len(checkpoints_of(repository, run)) == left
        weights = repository.folder / "data/runs" / run / "model.safetensors"
        with (repository.folder / "dvc.lock").open("a") as lock:
            lock.write(f"# {md5_of(weights)}\n")
