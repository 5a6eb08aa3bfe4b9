"""What tests of more than one command share."""

from pathlib import Path

import pytest

from pipeline.launch import repro
from pipeline.launch.repro import How
from tests.reporting.conftest import written

__all__ = ["handed_on", "written"]


@pytest.fixture
def handed_on(three_files: Path, monkeypatch: pytest.MonkeyPatch) -> list[How]:
    """Return how the graph is run, in a folder of three files."""
    calls: list[How] = []
    monkeypatch.setattr(repro, "run_graph", calls.append)
    return calls
