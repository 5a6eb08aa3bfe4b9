"""DVC killed in the middle of a training: no second trainer, and the same dvc.lock in the end."""

from typing import Any

import pytest

from tests.torture.disturbances import FAULTS, MADE, disturb, have_stopped
from tests.torture.repository import Repository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

RUN = "multitask-finetune"


@pytest.fixture(scope="module")
def repository(new_repository: Any) -> Repository:
    small: Repository = new_repository({"pretrain": 1, "finetune": 2}, every_steps=1)
    small.repro(f"train@{RUN}")
    return small


@pytest.mark.parametrize("kind", ["kill -9 of DVC", "kill -9 of all", "Ctrl-C"])
def test_the_next_repro_goes_on_and_ends_in_the_same_lock_file(
    repository: Repository, kind: str
) -> None:
    expected = repository.hashes(*MADE)
    repository.forget_run(RUN)
    with repository.holding(RUN) as is_held:
        assert disturb(repository, FAULTS[kind], lambda _: is_held(), (f"train@{RUN}",))
    assert have_stopped(repository)
    assert not (repository.folder / f"data/runs/{RUN}/run.json").exists()
    _, said = repository.repro(f"train@{RUN}")
    assert repository.hashes(*MADE) == expected
    log = (repository.folder / "disturbed.log").read_text()
    if kind != "kill -9 of all":
        assert f"{RUN} stopped by {'SIGINT' if kind == 'Ctrl-C' else 'SIGTERM'}" in log
    assert f"Running stage 'train@{RUN}'" in said
