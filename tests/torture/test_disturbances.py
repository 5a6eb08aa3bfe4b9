"""DVC is killed during training: no second trainer starts, and dvc.lock ends up the same.

The sweep in tests/end_to_end/test_repro.py also kills the training process.
"""

import pytest

from tests.torture.disturbances import FAULTS, disturb, have_stopped
from tests.torture.repository import Repository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

RUN = "multitask-finetune"


@pytest.mark.parametrize("kind", ["kill -9 of DVC", "Ctrl-C"])
def test_the_next_repro_continues_and_gives_the_same_lock_file(
    repository: Repository, kind: str
) -> None:
    repository.forget_stages(f"evaluate@{RUN}")
    expected = repository.outcome()
    repository.forget_run(RUN)
    with repository.holding(RUN) as is_held:
        assert disturb(repository, FAULTS[kind], lambda _: is_held(), (f"train@{RUN}",))
    assert have_stopped(repository)
    assert not (repository.folder / f"data/runs/{RUN}/run.json").exists()
    _, output = repository.repro(f"train@{RUN}")
    assert repository.outcome() == expected
    log = (repository.folder / "disturbed.log").read_text()
    assert f"{RUN} stopped by {'SIGINT' if kind == 'Ctrl-C' else 'SIGTERM'}" in log
    assert f"Running stage 'train@{RUN}'" in output
