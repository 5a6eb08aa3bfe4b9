"""What an edit reruns, asked of DVC itself: the table of docs/decisions/0009-rooms-as-deps.md."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.torture.repository import Repository, small_repository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

COMPUTING = {"tokens", "features", "train", "evaluate"}
# the file that is edited, and the stages whose own deps that changes; later ones depend on theirs
EDITS: dict[str, set[str]] = {
    "pipeline/reporting/tables.py": {"report"},
    "pipeline/reporting/figures.py": {"report"},
    "pipeline/training/loop.py": {"train"},
    "pipeline/heads/heads.py": {"train", "evaluate", "report"},
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


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    """Return a repository of two runs in which everything is up to date."""
    small = small_repository(tmp_path_factory.mktemp("repository"), tiny_backbone_dir)
    small.keep("sst-pretrain", "sts-finetune")
    small.make()
    return small


@contextmanager
def edited(path: Path) -> Iterator[None]:
    """Add a comment to a file for the length of a block."""
    before = path.read_bytes()
    path.write_bytes(before + b"# edited\n")
    try:
        yield
    finally:
        path.write_bytes(before)


def kinds(stages: object) -> set[str]:
    return {str(name).partition("@")[0] for name in stages}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_only_the_stages_that_use_the_room(
    repository: Repository, name: str
) -> None:
    with edited(repository.folder / name):
        status = repository.run("dvc", "status", "--json")
    assert kinds(json.loads(status.stdout)) == EDITS[name]


@pytest.mark.parametrize(
    ("name", "ran"),
    [
        ("pipeline/validation/expectations.py", {"validate", "report"}),  # with the same outcome
        ("pipeline/reporting/figures.py", {"report"}),
        ("pipeline/launch/plan.py", set()),
    ],
)
def test_dvc_reruns_that_and_nothing_after_it_where_the_outs_stay(
    repository: Repository, name: str, ran: set[str]
) -> None:
    with edited(repository.folder / name):
        assert repository.repro()[0] == ran
    repository.repro()
