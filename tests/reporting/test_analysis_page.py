"""Section 6 of the paper: a dead head is named, and what differs between frozen runs is shown."""

from dataclasses import replace

from pipeline.params import Params
from pipeline.reporting.analysis_page import DEAD_HEAD, analysis_page
from tests.reporting.conftest import outcome_of


def test_every_point_of_the_section_is_answered(params: Params) -> None:
    page = analysis_page(params, outcome_of(params), ["head"])
    assert [line[:5] for line in page.splitlines() if line.startswith("## ")] == [
        f"## {point}." for point in range(1, 6)
    ]
    assert "multi-task less single-task: sst -0.126, quora -0.001, sts -0.614" in page


def test_a_dead_head_is_named_with_its_epochs(params: Params) -> None:
    outcome = outcome_of(params)
    alive = analysis_page(params, outcome, ["head"])
    assert "here it happened in no run." in alive
    run = "multitask-pretrain"
    history = [
        replace(row, note=f"{DEAD_HEAD}: it predicts 0", dev_score=None)
        if row.corpus == "sts" and row.epoch == 2
        else row
        for row in outcome.histories[run]
    ]
    dead = replace(outcome, histories={**outcome.histories, run: history})
    page = analysis_page(params, dead, ["head"])
    assert f"here that happened in {run}." in page
    assert "0.500, undefined" in page


def test_idle_heads_that_step_are_among_what_differs(params: Params) -> None:
    told = "what AdamW does to it in the turns of the others"
    assert told in analysis_page(params, outcome_of(params), ["head"])
    skips = {
        name: run.model_copy(update={"idle_heads": "skip"}) if run.idle_heads else run
        for name, run in params.runs.items()
    }
    params = params.model_copy(update={"runs": skips})
    assert told not in analysis_page(params, outcome_of(params), ["head"])


def test_training_writes_the_note_that_the_page_looks_for() -> None:
    import numpy as np

    from pipeline.tasks import CORPORA
    from pipeline.training.health import dev_notes

    notes = list(dev_notes(CORPORA["sts"], np.zeros(3), np.array([1.0, 2.0, 3.0])))
    assert any(note.startswith(DEAD_HEAD) for note in notes)
