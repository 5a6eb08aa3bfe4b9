"""What tests of more than one command share."""

import shutil
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.launch import repro
from pipeline.launch.repro import How
from tests.reporting.conftest import ROOT, written

__all__ = ["handed_on", "written"]


@pytest.fixture
def handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[How]:
    """Go into a repository of three files; return how the graph is run there."""
    for name in (paths.PARAMS, paths.TRIALS, paths.DVC_YAML):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    calls: list[How] = []
    monkeypatch.setattr(repro, "run_graph", calls.append)
    return calls
