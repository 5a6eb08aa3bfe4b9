"""draw_plots: what DVC draws is on the page, and what it leaves out is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import RevisionError
from pipeline.launch import plots

DVC_YAML = "plots:\n  - reports/curves.csv: {x: epoch, y: dev_score}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a repository with curves on its branch, and none on the tag `empty`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setattr(plots, "_libraries", lambda: "")  # a megabyte that nothing here reads
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    run(["git", "init", "-q", "-b", "größe"], [sys.executable, "-m", "dvc", "init", "-q"])
    run([*git, "commit", "-qam", "none"], ["git", "tag", "empty"])
    Path("dvc.yaml").write_text(DVC_YAML)
    Path("reports").mkdir()
    Path("reports/curves.csv").write_text("epoch,dev_score\n1,0.5\n2,0.6\n")
    run(["git", "add", "dvc.yaml", "reports"], [*git, "commit", "-qm", "curves"])
    return tmp_path


def run(*commands: list[str]) -> None:
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)


def test_every_revision_asked_for_must_be_drawn(project: Path) -> None:
    page = plots.draw_plots(["größe", "workspace"])
    assert '"dev_score": "0.6"' in page
    with pytest.raises(RevisionError, match=r"^empty has no reports/curves\.csv"):
        plots.draw_plots(["größe", "empty"])
