"""Troubles: what stopped a run and what was noted on its epochs stands in the report by name."""

from typing import Any

from pipeline.reporting.results import EpochScore, Outcome, RunSummary
from pipeline.reporting.troubles import troubles


def outcome(best_epoch: int, stopped: str | None, notes: list[str]) -> Outcome:
    epochs: list[Any] = [
        EpochScore(epoch, "sts", None, 1, note) for epoch, note in enumerate(notes, start=1)
    ]
    summary = RunSummary("cpu", 3, best_epoch, stopped, 1e-5, {}, {}, 1, {}, {}, "")
    return Outcome([], {"sts-finetune": summary}, {"sts-finetune": epochs}, {}, {})


def test_nothing_is_said_where_nothing_went_wrong() -> None:
    assert troubles(outcome(2, None, ["", ""])) == ""


def test_notes_are_gathered_by_what_they_say_and_the_kept_epoch_is_marked() -> None:
    page = troubles(outcome(4, None, ["dead", "dead", "", "dead; diverges"]))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()[4:]]
    assert lines == [
        ["sts-finetune", "sts", "1-2, 4", "yes", "dead"],
        ["sts-finetune", "sts", "4", "yes", "diverges"],
    ]


def test_a_run_that_stopped_is_named_with_the_weights_that_are_kept() -> None:
    page = troubles(outcome(1, "the loss is nan in step 3, epoch 2 (sts)", ["", ""]))
    assert (
        "- **sts-finetune** stopped early (†): the loss is nan in step 3, epoch 2 (sts); "
        "its weights are those of epoch 1." in page
    )
    page = troubles(outcome(0, "the loss is nan in step 3, epoch 1 (sts)", [""]))
    assert "no epoch came to its end, so nothing of it is scored" in page
