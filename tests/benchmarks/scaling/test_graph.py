"""What is measured on a grown graph, and what is no longer tried."""

from pathlib import Path

import pytest

from benchmarks.scaling import graph
from benchmarks.scaling.graph import Patience, measure


def test_what_was_given_up_once_is_not_tried_on_a_larger_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def timed(commands: list[tuple[str]], *_: object) -> graph.Cost | None:
        tried.append(commands[0][0])
        return None if commands[0][0] == "late" else graph.Cost(12.0, 1.0, 1.0)

    monkeypatch.setattr(graph, "timed", timed)
    patience = Patience(100.0)
    assert patience.cost("status", [("late",)], tmp_path) is None
    assert patience.cost("status", [("late",)], tmp_path) is None
    assert tried == ["late"]
    assert patience.cost("read", [("quick",)], tmp_path) is not None


def test_the_fastest_of_a_few_counts_where_it_is_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walls = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(graph, "timed", lambda *_: graph.Cost(next(walls), 1.0, 1.0))
    found = Patience(10.0).cost("status", [()], tmp_path)
    assert found is not None
    assert found.wall_seconds == 1.0


def test_a_graph_is_measured_from_its_size_to_several_stages_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []

    def timed(commands: list[tuple[str, ...]], *_: object) -> graph.Cost:
        asked.extend(commands)
        return graph.Cost(12.0, 1.0, 1.0)

    monkeypatch.setattr(graph, "timed", timed)
    monkeypatch.setattr(graph.GrownRepository, "run", lambda *_: "")
    monkeypatch.setattr(
        graph, "fill", lambda _, large: large.lock.write_text("a:\n  b:\n    c: 1\n")
    )
    (size,) = measure([12], seconds=100.0)["sizes"]
    assert (size["runs"], size["stages"], size["lock_lines"], size["outs"]) == (12, 1, 3, 94)
    assert size["costs"]["4 stages"]["wall_seconds"] == 12.0
    assert size["costs"]["8 stages"] is None  # 8 x 12 s are not borne
    singles = [words[-1] for words in asked if "--single-item" in words]
    assert len(singles) == 1 + 2 + 4
    assert singles[3:] == [
        "train@cfimdb-pretrain-0000",
        "train@sst-pretrain-0001",
        "train@quora-pretrain-0002",
        "train@sts-pretrain-0003",
    ]
