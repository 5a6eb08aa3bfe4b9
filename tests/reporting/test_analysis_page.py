"""Section 6 of the paper: a dead head is named, and what differs between frozen runs is shown."""

from dataclasses import replace

from pipeline.params import Params
from pipeline.reporting.analysis_page import DEAD_HEAD, analysis_page
from pipeline.reporting.dead_heads import NOT_SHOWN
from tests.reporting.conftest import outcome_of
from tests.reporting.test_dead_heads import runs_of


def test_every_point_of_the_section_is_answered(params: Params) -> None:
    page = analysis_page(params, outcome_of(params), ["head"], [])
    assert [line[:5] for line in page.splitlines() if line.startswith("## ")] == [
        f"## {point}." for point in range(1, 6)
    ]
    assert "multi-task less single-task: sst -0.126, quora -0.001, sts -0.614" in page


def test_a_dead_head_is_named_with_its_epochs(params: Params) -> None:
    outcome = outcome_of(params)
    alive = analysis_page(params, outcome, ["head"], [])
    assert "here it happened in no run." in alive
    run = "multitask-pretrain"
    history = [
        replace(row, note=f"{DEAD_HEAD}: it predicts 0", dev_score=None)
        if row.corpus == "sts" and row.epoch == 2
        else row
        for row in outcome.histories[run]
    ]
    dead = replace(outcome, histories={**outcome.histories, run: history})
    page = analysis_page(params, dead, ["head"], [])
    assert f"here that happened in {run}." in page
    assert "0.500, undefined" in page


def test_points_4_and_5_tell_what_the_experiment_found_and_what_it_does_not_show(
    params: Params,
) -> None:
    outcome = outcome_of(params)
    page = analysis_page(params, outcome, ["head"], runs_of(step_dead=2, skip_dead=0))
    sentiment, similarity = page.split("## 4.")[1].split("## 5.")
    assert "SST ends at 0.200" in sentiment
    assert "2 of 2 STS heads predict 0" in similarity
    assert NOT_SHOWN in sentiment
    assert NOT_SHOWN in similarity
    fewer = analysis_page(params, outcome, ["head"], runs_of(step_dead=0, skip_dead=0))
    assert "0 of 2 STS heads predict 0" in fewer


def test_on_the_papers_own_backbone_the_experiment_is_only_referred_to(params: Params) -> None:
    paper = params.model_copy(update={"profile": "paper"})
    outcome = outcome_of(params)
    page = analysis_page(paper, outcome, ["head"], runs_of(step_dead=2, skip_dead=0))
    assert "STS heads predict 0" not in page
    assert NOT_SHOWN not in page
    assert page.count("bert-base-uncased's own vectors") == 2
    assert "`reports/dead-heads.md`" in page


def test_training_writes_the_note_that_the_page_looks_for() -> None:
    import numpy as np

    from pipeline.tasks import CORPORA
    from pipeline.training.health import dev_notes

    notes = list(dev_notes(CORPORA["sts"], np.zeros(3), np.array([1.0, 2.0, 3.0])))
    assert any(note.startswith(DEAD_HEAD) for note in notes)
