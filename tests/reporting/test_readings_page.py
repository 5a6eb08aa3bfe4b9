"""readings.md: seven points, scores under each reading, and only claims that follow from them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.plumbing.trials import Changes
from pipeline.reporting.readings_page import readings_page
from pipeline.reporting.results import Outcome, Result, Tried
from tests.reporting.conftest import PARAMS, cells_of, changed

BEST = "is the reading that best matches the paper's numbers here"
SEPARATE, SKIP = Changes(pair_encoding="separate"), Changes(idle_heads="skip")
LAPTOP = PARAMS.model_copy(update={"profile": "laptop"})  # its corpora are real
Score = float | None


def scored(row: Result, score: Score) -> Result:
    if score is None:
        undefined = "undefined: constant predictions"
        return changed(row, score=None, ci_low=None, ci_high=None, reason=undefined)
    return changed(row, score=score, ci_low=score - 0.01, ci_high=score + 0.01)


def with_scores(outcome: Outcome, scores: Mapping[str, Score]) -> Outcome:
    """Return an outcome whose rows have these scores, by configuration."""
    rows = [
        scored(row, scores[row.configuration]) if row.configuration in scores else row
        for row in outcome.results
    ]
    return replace(outcome, results=rows)


def with_trials(
    outcome: Outcome, changes: Changes, scores: Mapping[str, Score], seed: int = PARAMS.seed
) -> Outcome:
    """Return an outcome with trials of some configurations, and their scores."""
    rows = {row.configuration: row for row in outcome.results}
    tried = [Tried("a-trial", seed, changes, scored(rows[n], s)) for n, s in scores.items()]
    return replace(outcome, tried=[*outcome.tried, *tried])


def section(page: str, number: int) -> str:
    return page.split(f"\n## {number}. ")[1].split("\n## ")[0]


def rows_of(text: str) -> dict[tuple[str, ...], list[str]]:
    """Return the scores of each row of a table, by corpus, scheme and mode."""
    _, _, *rows = cells_of(line for line in text.splitlines() if line.startswith("| "))
    return {tuple(row[:3]): row[4:] for row in rows}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        (Changes(pair_encoding="separate", dropout=0.1), 0),
        (Changes(pair_encoding="separate", idle_heads="skip"), 0),
        (SEPARATE, 1),
    ],
)
def test_trials_that_change_more_than_a_reading_do_not_count_for_it(
    outcome: Outcome, changes: Changes, more: int
) -> None:
    outcome = with_trials(outcome, changes, {"sts-single-finetune": 0.25}, PARAMS.seed + more)
    page = readings_page(PARAMS, outcome)
    assert rows_of(section(page, 1))["sts", "single-task", "finetune"][1] == "–"


def test_the_runs_own_reading_is_bold(outcome: Outcome) -> None:
    run = PARAMS.run("sts-finetune").model_copy(update={"pair_encoding": "separate"})
    params = PARAMS.model_copy(update={"runs": {**PARAMS.runs, "sts-finetune": run}})
    joint = Changes(pair_encoding="joint")
    outcome = with_trials(outcome, joint, {"sts-single-finetune": 0.25})
    page = readings_page(params, outcome)
    cells = rows_of(section(page, 1))["sts", "single-task", "finetune"]
    assert cells[:2] == ["0.250 [0.240, 0.260]", "**0.500** [0.400, 0.600]"]
    assert "The runs in this report use `joint` and `separate`" in page


def test_generated_corpora_give_no_evidence_for_a_reading(outcome: Outcome) -> None:
    names = [row.configuration for row in outcome.results if row.run != "sst-pretrain"]
    for changes in (SEPARATE, SKIP):
        outcome = with_trials(outcome, changes, dict.fromkeys(names, 0.9))
    page = readings_page(PARAMS, outcome)
    assert BEST not in page
    assert page.count("Only scores on the paper's corpora can show which reading matches") == 2
    assert "lies inside" not in page
    assert "fails as in the paper under" not in page


def test_the_papers_frozen_sts_is_unexplained_unless_an_interval_contains_it(
    outcome: Outcome,
) -> None:
    name = "sts-single-pretrain"
    outcome = with_trials(with_scores(outcome, {name: 0.3}), SEPARATE, {name: None})
    expected = "0.615, remains unexplained (here: joint 0.300, separate undefined). One conjecture"
    assert expected in readings_page(LAPTOP, outcome)
    outcome = with_scores(outcome, {name: 0.61})
    page = readings_page(LAPTOP, outcome)
    assert "**Unexplained.** Nothing. The paper's STS score" in page
    assert "0.615, lies inside our interval under joint." in page
    assert "conjecture" not in page


@pytest.mark.parametrize(
    ("step", "skip", "expected"),
    [
        (None, 0.3, "fails as in the paper under step: step undefined, skip 0.300"),
        (0.005, None, "fails as in the paper under step and skip: step 0.005, skip undefined"),
    ],
)
def test_the_page_says_under_which_reading_frozen_sts_fails(
    outcome: Outcome, step: Score, skip: Score, expected: str
) -> None:
    name = "sts-multitask-pretrain"
    outcome = with_trials(with_scores(outcome, {name: step}), SKIP, {name: skip})
    assert f"With all-MiniLM-L6-v2, frozen STS {expected}" in readings_page(LAPTOP, outcome)


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [("pair_encoding", "No run in this report reads pairs"), ("idle_heads", "No run in this")],
)
def test_a_report_without_such_runs_says_so(outcome: Outcome, lacks: str, expected: str) -> None:
    rows: list[Any] = [r for r in outcome.results if getattr(PARAMS.run(r.run), lacks) is None]
    assert expected in readings_page(PARAMS, replace(outcome, results=rows))
