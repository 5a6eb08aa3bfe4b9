"""What an edit reruns, according to DVC: the table of docs/decisions/0009-rooms-as-deps.md."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.torture.repository import Repository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

COMPUTING = {"tokens", "features", "train", "evaluate"}
# the edited file, and the stages whose own deps change; later stages depend on their outs
EDITS: dict[str, set[str]] = {
    "pipeline/reporting/tables.py": {"report"},
    "pipeline/reporting/figures.py": {"report"},
    "pipeline/training/loop.py": {"train"},
    "pipeline/heads/model.py": {"train", "evaluate", "report"},
    "pipeline/encoder/bert.py": {"features", "train", "evaluate"},
    "pipeline/evaluation/intervals.py": {"evaluate", "report"},
    "pipeline/validation/expectations.py": {"validate", "report"},
    "pipeline/plumbing/progress.py": set(),
    "pipeline/plumbing/params.py": set(),
    "pipeline/errors.py": set(),
    "pipeline/launch/plan.py": set(),
    "pipeline/serving/export.py": set(),
    "pipeline/site/site.py": set(),
    "requirements-compute.lock": COMPUTING,
    "requirements.lock": set(),
}


@pytest.fixture(autouse=True)
def _there(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.folder)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reruns_only_the_stages_that_use_the_room(name: str) -> None:
    before = Path(name).read_bytes()
    Path(name).write_bytes(before + b"# edited\n")
    with Repo(".") as dvc:
        found = {stage.partition("@")[0] for stage in dvc.status()}
    Path(name).write_bytes(before)
    assert found == EDITS[name]


def test_dvc_reruns_only_edited_stages_if_their_outs_do_not_change(repository: Repository) -> None:
    for name in ("validation/expectations.py", "reporting/figures.py", "launch/plan.py"):
        with Path("pipeline", name).open("a") as file:
            file.write("# edited\n")
    assert repository.repro()[0] == {"validate", "report"}
