"""Table 3: bold scores, undefined scores, and caveats only if they apply.

test_pages.py has the rest, with committed records.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.plumbing.params import Params
from pipeline.reporting.results import EpochScore, Outcome
from pipeline.reporting.tables import (
    notes,
    shown_rate,
    summary,
    table3,
    troubles,
)
from tests.reporting.conftest import PARAMS, cells_of, result_of


def with_profile(name: str, **changes: Any) -> Params:
    profile = PARAMS.profiles[name].model_copy(update=changes)
    profiles = {**PARAMS.profiles, name: profile}
    return PARAMS.model_copy(update={"profile": name, "profiles": profiles})


def cells(params: Params, rows: Sequence[Any], *names: str) -> list[list[str]]:
    """Return some columns of Table 3."""
    header, _, *lines = cells_of(table3(params, rows).splitlines())
    return [[line[header.index(name)] for name in names] for line in lines]


def test_best_scores_are_bold_and_undefined_ones_have_a_reason() -> None:
    rows = [
        result_of("sst", "single-task", "finetune", 0.5, paper_score=0.53),
        result_of("sst", "multi-task", "finetune", 0.4, paper_score=0.542),
        result_of("sts", "single-task", "finetune", -0.2, paper_score=0.852),
        result_of("sts", "multi-task", "finetune", -0.2, paper_score=None),
        result_of("quora", "multi-task", "pretrain", None),
    ]
    assert cells(PARAMS, rows, "Ours", "Paper", "Δ") == [
        ["**0.500** [0.480, 0.520]", "0.530", "-0.030"],
        ["0.400 [0.380, 0.420]", "**0.542**", "-0.142"],
        ["**-0.200** [-0.220, -0.180]", "**0.852**", "-1.052"],
        ["**-0.200** [-0.220, -0.180]", "–", "–"],
        ["undefined: constant predictions", "**0.500**", "–"],
    ]


def test_the_summary_leaves_out_a_mean_with_an_undefined_score() -> None:
    rows = [
        result_of("sst", "single-task", "pretrain", 0.2),
        result_of("sst", "single-task", "finetune", 0.6),
        result_of("sst", "multi-task", "finetune", 0.4),
        result_of("sts", "single-task", "finetune", 0.5),
        result_of("sts", "multi-task", "finetune", 0.49),
        result_of("sts", "multi-task", "pretrain", 0.3),
    ]
    wanted = {"finetune": 0.4975, "pretrain": 0.25, "multitask": 0.445}
    assert summary(rows) == wanted | {"finetune_wins": 2, "multitask_holds": 1}
    undefined = result_of("quora", "single-task", "pretrain", None)
    assert summary([*rows, undefined]).keys() == summary(rows).keys() - {"pretrain"}


def test_caveats_appear_if_they_apply() -> None:
    rows = [result_of("sst", "single-task", "finetune", 0.5)]
    paper, own = (
        "\n".join(notes(profile, Outcome(rows, {}, {}, {}, {})))
        for profile in (
            with_profile("paper"),
            with_profile("laptop", backbone="local:mine"),
        )
    )
    assert "favors" not in paper + own
    assert "The paper uses bert-base-uncased;" not in paper
    assert "this report uses local:mine" in own


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(1e-5, "1e-5"), (1e-5 * 10.0, "1e-4"), (1.5e-5, "1.5e-5"), (3e-5 * 3, "9e-5"), (1.0, "1e0")],
)
def test_rates_are_shown_in_full_and_as_in_the_paper(rate: float, shown: str) -> None:
    assert shown_rate(rate) == shown


def noted(outcome: Outcome, best_epoch: int, stopped: str | None, notes: list[str]) -> str:
    """Return the troubles of one run, with a note on each epoch."""
    epochs = [EpochScore(epoch, "sts", None, 1, note) for epoch, note in enumerate(notes, start=1)]
    ended = {"best_epoch": best_epoch, "stopped": stopped}
    found = outcome.summaries["sts-finetune"].model_copy(update=ended)
    return troubles(Outcome([], {"sts-finetune": found}, {"sts-finetune": epochs}, {}, {}))


def test_troubles_name_what_stopped_a_run_and_the_notes_on_its_epochs(outcome: Outcome) -> None:
    assert noted(outcome, 2, None, ["", ""]) == ""
    lines = noted(outcome, 4, None, ["dead", "dead", "", "dead; diverges"]).splitlines()[4:]
    assert cells_of(lines) == [
        ["sts-finetune", "sts", "1-2, 4", "yes", "dead"],
        ["sts-finetune", "sts", "4", "yes", "diverges"],
    ]
    loss = "the loss is nan in step 3"
    said = f"- **sts-finetune** stopped early (†): {loss}; its weights come from epoch 1."
    assert said in noted(outcome, 1, loss, ["", ""])
    assert "no epoch was completed, so the run has no scores" in noted(outcome, 0, loss, [""])
