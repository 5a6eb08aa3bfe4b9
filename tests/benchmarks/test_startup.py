"""Every stage is started, and timed."""

import pytest

from benchmarks import startup
from benchmarks.startup import stage_names, startup_seconds


def test_every_stage_of_the_graph_is_among_them() -> None:
    names = stage_names()
    assert {"corpora", "train", "evaluate", "report", "preflight"} <= set(names)
    assert "entry" not in names


def test_the_fastest_of_a_few_starts_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3.0, 10.0, 11.5, 20.0, 22.0])
    monkeypatch.setattr(startup.time, "perf_counter", lambda: next(clock))
    assert startup_seconds("preflight") == 1.5
