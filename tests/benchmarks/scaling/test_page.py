"""The page on growth: its tables and figures say what the committed numbers say."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.scaling.cases import case
from benchmarks.scaling.figures import _rows, growth_figure, jobs_figure, workers_figure
from benchmarks.scaling.page import FIGURES, filled
from benchmarks.scaling.results import FOLDER, read_parts
from benchmarks.scaling.tables import TABLES, tables
from pipeline.launch.schedule import Task

ROOT = Path(__file__).parents[3]


@pytest.fixture
def parts(graph: dict[str, Any], jobs: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of all parts."""
    seconds = {"tokens@sst": 10.0, "train@sst-finetune": 30.0}
    tasks = [
        Task("tokens@sst", frozenset(), 10.0),
        Task("train@sst-finetune", frozenset(["tokens@sst"]), 30.0),
    ]
    cases = [case(tasks, seeds, graph) | {"profile": "demo"} for seeds in (1, 5)]
    simulate = {"seconds": {"demo": seconds}, "cases": cases, "one_thread": cases[0]}
    simulate["sources"] = {"demo": "each stage alone"}
    return {"graph": graph, "jobs": jobs, "simulate": simulate}


def row(parts: dict[str, Any], table: str, first: str) -> list[str]:
    """Return the cells of a table's row."""
    (found,) = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in dict(tables(parts))[table].splitlines()
        if line.startswith("|") and line.strip("|").split("|")[0].strip() == first
    ]
    return found


def test_the_committed_page_agrees_with_the_committed_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    text = Path("docs/scaling.md").read_text(encoding="utf-8")
    assert filled(text, read_parts()) == text
    assert all(f"<!-- table: {name} -->" in text for name in TABLES)


def test_the_committed_figures_are_those_of_the_committed_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    parts = read_parts()
    for name, (part, figure) in FIGURES.items():
        if part in parts:
            assert (FOLDER / name).read_text(encoding="utf-8") == figure(parts[part])


def test_jobs_are_told_beside_the_serial_run(parts: dict[str, Any]) -> None:
    assert row(parts, "jobs", "serial")[2:5] == ["40 s", "", "1.00x"]
    # 10 s and 30 s one after the other, and 1.5 s of DVC for each
    assert row(parts, "jobs", "JOBS=2")[2:5] == ["25 s", "43 s", "1.60x"]
    assert row(parts, "jobs", "JOBS=2")[-1] == "`bbbbbbbb`"


def test_what_was_given_up_is_called_too_long(parts: dict[str, Any]) -> None:
    expected = ["1,000", "2,013", "400,000", "10.00 MB", *["too long"] * 2, "1 min 20 s"]
    assert row(parts, "growth", "1,000") == [*expected, "1 min 00 s", "800 MB"]
    assert row(parts, "shares", "10") == ["10", "10 ms", "0.3 s", "0.5 s", "1.0 s"]


def test_the_ceiling_says_how_many_stages_and_workers_the_lock_allows(
    parts: dict[str, Any],
) -> None:
    assert row(parts, "ceiling", "10") == ["10", "33", "1.0 s", "3,600", "21"]  # 20 s a stage
    assert row(parts, "ceiling", "1,000") == ["1,000", "2,013", "not measured", "–", "–"]


def test_simulated_times_come_with_speed_up_and_efficiency(parts: dict[str, Any]) -> None:
    assert row(parts, "demo", "1")[1] == "43 s (1.0x, 100%)"
    assert row(parts, "demo", "2")[1] == "43 s (1.0x, 50%)"
    assert row(parts, "demo", "the longest path")[1] == "43 s"
    assert row(parts, "demo", "stages")[1:] == ["2", "6"]  # four further seeds of one run
    assert dict(tables(parts))["demo"].startswith("Measured: each stage alone.")


def test_a_part_that_is_missing_says_how_to_get_it(parts: dict[str, Any]) -> None:
    del parts["jobs"]
    text = "a\n<!-- table: jobs -->\nold\n<!-- end -->\nb\n"
    asked = "Not measured yet: `python -m benchmarks.scaling jobs` fills this in."
    assert filled(text, parts) == f"a\n<!-- table: jobs -->\n{asked}\n<!-- end -->\nb\n"


def test_figures_are_the_same_for_the_same_numbers_and_name_what_they_show(
    parts: dict[str, Any],
) -> None:
    assert "demo, 5 seeds" in workers_figure(parts["simulate"])
    assert "demo, the table" in workers_figure(parts["simulate"])
    assert growth_figure(parts["graph"]) == growth_figure(parts["graph"])
    assert "JOBS=2: 25 s" in jobs_figure(parts["jobs"])


def test_stages_that_run_at_once_are_drawn_in_rows_of_their_own() -> None:
    stages = [
        {"name": "a", "start": 0.0, "seconds": 5.0},
        {"name": "b", "start": 1.0, "seconds": 1.0},
        {"name": "c", "start": 2.0, "seconds": 1.0},
    ]
    assert [(stage["name"], row) for stage, row in _rows(stages)] == [("a", 0), ("b", 1), ("c", 1)]
