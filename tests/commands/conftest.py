"""What tests of more than one command share."""

import shutil
from pathlib import Path

import pytest

from commands import repro
from pipeline.core import paths
from tests.reporting.conftest import ROOT, written

__all__ = ["handed_on", "written"]


@pytest.fixture
def handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Go into a repository of three files; return what `repro` is called with."""
    for name in (paths.PARAMS, paths.TRIALS, paths.DVC_YAML):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    calls: list[list[str]] = []
    monkeypatch.setattr(repro, "main", calls.append)
    return calls
