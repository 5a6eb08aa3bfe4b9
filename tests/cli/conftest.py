"""Fixtures for the tests of several commands."""

from pathlib import Path

import pytest

from pipeline.launch import repro
from pipeline.launch.repro import How
from tests.reporting.conftest import written

__all__ = ["graph_calls", "written"]


@pytest.fixture
def graph_calls(three_files: Path, monkeypatch: pytest.MonkeyPatch) -> list[How]:
    """Return the list of calls of `run_graph`, in a folder of three files."""
    calls: list[How] = []
    monkeypatch.setattr(repro, "run_graph", calls.append)
    return calls
