"""run_in_clone: a clone's own changes are kept from being overwritten, wherever in it they are."""

import subprocess
from pathlib import Path

import pytest

from pipeline.launch.on_worker import run_in_clone

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")


@pytest.fixture(params=[".", "course/minbert"])
def clone(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a project in a clone, in which a stage has run."""
    folder = tmp_path / request.param
    (folder / "reports").mkdir(parents=True)
    files = (tmp_path / "README", folder / "dvc.yaml", folder / "dvc.lock", folder / "reports/a.md")
    for path in files:
        path.touch()
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    for path in files[2:]:
        path.write_text("made by a stage")
    monkeypatch.chdir(folder)
    return folder


def test_what_stages_change_is_no_change_of_its_own(clone: Path) -> None:
    status, told = run_in_clone("launch", "train@a", [], "refs/minbert/none")
    assert status != 0
    assert told.startswith("git fetch")  # it came as far as the remote that there is not


@pytest.mark.parametrize("name", ["README", "dvc.yaml"])
def test_anything_else_is_named(name: str, clone: Path, tmp_path: Path) -> None:
    (path,) = tmp_path.rglob(name)
    path.write_text("changed by hand")
    status, told = run_in_clone("launch", "train@a", [], "refs/minbert/none")
    assert status == 1
    assert f"changes of its own: {path.relative_to(tmp_path)}\n" in told
