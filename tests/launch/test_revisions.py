"""files_of and experiments: the content of a commit, also for a project inside another one.

With real git and DVC. Plots, the plan and the gate use the same repositories.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from dvc.cli import main as dvc_main

from pipeline.errors import RevisionError
from pipeline.launch.plan import Outcome, plan_stages
from pipeline.launch.revisions import draw_plots, experiments, files_of
from tests.working_copy import WorkingCopy

pytestmark = pytest.mark.dvc

ROOT = Path(__file__).parents[2]
DVC_YAML = """
stages:
  words:
    cmd: cp params.yaml words
    params: [rate]
    outs: [words]
plots:
  - reports/curves.csv: {x: epoch, y: dev_score}
"""


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def dvc(*arguments: str) -> None:
    """Run DVC in this process, which has already loaded it."""
    assert dvc_main([*arguments, "-q"]) == 0


@pytest.fixture(scope="module", params=[".", "course/minbert"])
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Go to a project with a tag and a newer rate; the last tests here change it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield made_project(request.param, tmp_path_factory.mktemp("project"), monkeypatch)


def made_project(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    whole = tmp_path / "whole"
    own = {"DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    for name, value in (WorkingCopy(whole).environment | own).items():
        monkeypatch.setenv(name, value)
    folder = whole / place
    folder.mkdir(parents=True)
    monkeypatch.chdir(whole)
    run("git", "init", "-q", "-b", "größe")
    (whole / "dvc.lock").write_text("another project's")
    commit("without")
    (whole / "dvc.lock").unlink()
    monkeypatch.chdir(folder)
    dvc("init", *["--subdir"] * (place != "."))
    dvc("config", "cache.type", "hardlink")
    commit("empty")
    Path("dvc.yaml").write_text(DVC_YAML)
    Path("reports").mkdir()
    for rate in ("1", "2"):
        Path("params.yaml").write_text(f"rate: {rate}\n")
        Path("reports/curves.csv").write_text(f"epoch,dev_score\n1,0.{rate}\n")
        dvc("repro")
        commit(f"rate-{rate}")
    return folder


def commit(tag: str) -> None:
    run("git", "add", "-A")
    run("git", "commit", "-qm", tag)
    run("git", "tag", tag)


def test_files_of_a_commit_come_from_git_and_the_cache(project: Path) -> None:
    with files_of("rate-1") as one, files_of("HEAD") as two, files_of("workspace") as here:
        for path in (Path("params.yaml"), Path("words")):
            texts = [fetch(path).read_text() for fetch in (one, two, here)]
            assert texts == ["rate: 1\n", "rate: 2\n", "rate: 2\n"]
        assert "words" in one(Path("dvc.lock")).read_text()
        with pytest.raises(RevisionError, match=r"^missing\.csv of rate-1 is not here"):
            one(Path("missing.csv"))
    assert Path("words").read_text() == "rate: 2\n"


@pytest.mark.parametrize("name", ["nosuch", "without"])
def test_a_revision_without_the_project_is_reported(project: Path, name: str) -> None:
    with pytest.raises(RevisionError, match=name), files_of(name) as fetch:
        fetch(Path("words"))


def test_curves_of_every_requested_revision_are_drawn(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = SimpleNamespace(
        javascript_bundle=lambda _: ""
    )  # a megabyte that no test here reads
    monkeypatch.setitem(sys.modules, "vl_convert", libraries)
    page = draw_plots(["rate-1", "größe", "workspace"])
    assert '"dev_score": "0.1"' in page
    assert '"dev_score": "0.2"' in page
    with pytest.raises(RevisionError, match=r"^empty has no reports/curves\.csv"):
        draw_plots(["größe", "empty"])


def test_the_plan_and_the_gate_find_nothing_to_do(project: Path) -> None:
    assert [stage.outcome for stage in plan_stages()] == [Outcome.UP_TO_DATE]
    run(str(ROOT / ".ci/gate"))


def test_experiments_are_listed_and_found_by_name(project: Path) -> None:
    dvc("exp", "run", "-n", "faster", "-S", "rate=3")
    assert "faster" in [row["Experiment"] for row in experiments()]
    run("git", "checkout", "-q", "--", ".")
    with files_of("faster") as fetch:
        assert fetch(Path("words")).read_text() == "rate: 3\n"


def test_files_missing_in_the_cache_come_from_the_default_remote(
    project: Path, tmp_path: Path
) -> None:
    dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    run("git", "checkout", "-q", "rate-1", "--", "dvc.lock")
    dvc("push")
    run("git", "checkout", "-q", "HEAD", "--", "dvc.lock")
    Path(".dvc/cache").rename(tmp_path / "cache")
    with files_of("rate-1") as fetch:
        assert fetch(Path("words")).read_text() == "rate: 1\n"
