"""The pages of a report: all or none, repeatable bytes, and their content."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.errors import ReportError
from pipeline.plumbing.params import Params
from pipeline.reporting.figures import run_figure
from pipeline.reporting.pages import (
    DEAD_HEAD,
    analysis_page,
    curves_csv,
    index_page,
    render_report,
    run_page,
    write_report,
)
from pipeline.reporting.results import EpochScore, Outcome
from pipeline.reporting.tables import TABLE3_KEYS
from tests.reporting.conftest import PARAMS, changed
from tests.reporting.test_dead_heads import runs_of

ROOT = Path(__file__).parents[2]
OUT, SUMMARY = Path("reports/demo"), Path("reports/summary.json")
HASH, NUMBER = re.compile(r"\b[mp][0-9a-f]{10}\b"), re.compile(r"-?\d+(?:\.\d+)?")


def test_exactly_the_pages_and_the_summary_are_written(written: Path) -> None:
    reports = written / "reports"
    found = {str(p.relative_to(reports)) for p in reports.rglob("*") if p.is_file()}
    records = {name for name in found if name.startswith("demo/records/")}
    assert len(records) == 4 + 4 * len(PARAMS.runs) + 2 * 14 + len(CORPORA)
    pages = ["README.md", "analysis.md", "readings.md", "table3.md", "table3.json", "data.md"]
    pages += ["curves.svg", "data.svg", "scores.svg"]
    pages += [f"runs/{run}.{kind}" for run in PARAMS.runs for kind in ("md", "svg")]
    beside = {"summary.json", "curves.csv", paths.DEAD_HEADS.name}  # the last one existed before
    assert found - records == {*beside, *(f"demo/{page}" for page in pages)}
    rows = json.loads((written / OUT / "table3.json").read_text())
    assert [row["configuration"] for row in rows] == list(PARAMS.configurations)
    assert all(set(row) == set(TABLE3_KEYS) for row in rows)
    assert json.loads((written / SUMMARY).read_text()) == {
        "finetune": 0.5,
        "pretrain": 0.5,
        "multitask": 0.5,
        "finetune_wins": 0,
        "multitask_holds": 3,
    }


@pytest.mark.parametrize("profile", ["demo", "laptop"])
def test_the_committed_pages_match_the_committed_records(profile: str, here: Path) -> None:
    shutil.copytree(ROOT / paths.report_dir(profile), here / paths.report_dir(profile))
    shutil.copy(ROOT / paths.DEAD_HEADS, here / paths.DEAD_HEADS)
    render_report(profile)
    pages = [p for kind in ("md", "json", "svg") for p in Path("reports").rglob(f"*.{kind}")]
    assert len(pages) > 60
    assert [page for page in pages if not is_like_committed(page)] == []


def is_like_committed(page: Path) -> bool:
    """Compare bytes; ignore the last digits of coordinates in a figure from another machine.

    The names of markers and clips are hashes of coordinates.
    """
    here, committed = page.read_text(), (ROOT / page).read_text()
    if here == committed or page.suffix != ".svg":
        return here == committed
    here, committed = HASH.sub("", here), HASH.sub("", committed)
    numbers = [np.array(NUMBER.findall(text), dtype=float) for text in (here, committed)]
    return NUMBER.sub("", here) == NUMBER.sub("", committed) and np.allclose(*numbers, atol=0.01)


def test_the_old_report_is_kept_if_the_new_one_fails(params: Params) -> None:
    OUT.mkdir(parents=True)
    (OUT / "table3.md").write_text("of before")
    Path("data/scores/sst-pretrain.json").unlink()
    with pytest.raises(ReportError, match=r"sst-pretrain\.json is missing"):
        write_report(params, {}, OUT, SUMMARY)
    assert (OUT / "table3.md").read_text() == "of before"
    assert {p.name for p in Path("reports").iterdir()} == {"demo", paths.DEAD_HEADS.name}


def test_a_run_without_a_row_has_no_link(outcome: Outcome) -> None:
    rows = [row for row in outcome.results if row.run != "sst-pretrain"]
    page = index_page(PARAMS, replace(outcome, results=rows))
    assert "| sst-pretrain " in page
    assert "runs/sst-pretrain.md" not in page
    assert "[sst-finetune](runs/sst-finetune.md)" in page


def test_every_epoch_has_a_line_and_an_undefined_score_is_empty() -> None:
    history = [EpochScore(1, "sts", None, 3, "dead"), EpochScore(2, "sts", 0.25, 3, "")]
    assert curves_csv({"sts-pretrain": history}).splitlines() == [
        "run,corpus,epoch,dev_score",
        "sts-pretrain,sts,1,",
        "sts-pretrain,sts,2,0.250000",
    ]


def test_a_dead_head_is_named_with_its_epochs(outcome: Outcome) -> None:
    alive = analysis_page(PARAMS, outcome, [])
    assert "Here, this did not happen in any run." in alive
    run = "multitask-pretrain"
    history = [
        replace(row, note=f"{DEAD_HEAD}: it predicts 0", dev_score=None)
        if row.corpus == "sts" and row.epoch == 2
        else row
        for row in outcome.histories[run]
    ]
    dead = replace(outcome, histories={**outcome.histories, run: history})
    page = analysis_page(PARAMS, dead, [])
    assert f"all dev predictions were 0 in some epoch of {run}." in page
    assert "0.500, undefined" in page


def test_stepped_idle_heads_are_listed_among_the_differences(outcome: Outcome) -> None:
    difference = "what AdamW does to it during the turns of the others"
    assert difference in analysis_page(PARAMS, outcome, [])
    skips = {
        name: run.model_copy(update={"idle_heads": "skip"}) if run.idle_heads else run
        for name, run in PARAMS.runs.items()
    }
    skipping = PARAMS.model_copy(update={"runs": skips})
    assert difference not in analysis_page(skipping, outcome, [])


def test_with_the_papers_backbone_the_page_only_links_to_the_experiment(outcome: Outcome) -> None:
    paper = PARAMS.model_copy(update={"profile": "paper"})
    page = analysis_page(paper, outcome, runs_of(step_dead=2, skip_dead=0))
    assert "STS heads predict 0" not in page
    assert "We could not show" not in page
    assert page.count("bert-base-uncased's own vectors") == 2
    assert "`reports/dead-heads.md`" in page


def test_the_page_looks_for_the_note_that_training_writes() -> None:
    from pipeline.training.health import dev_notes

    notes = list(dev_notes(CORPORA["sts"], np.zeros(3), np.array([1.0, 2.0, 3.0])))
    assert any(note.startswith(DEAD_HEAD) for note in notes)


def test_a_runs_page_shows_the_kept_epoch_cut_pairs_and_problems(outcome: Outcome) -> None:
    run = "quora-finetune"
    assert "Pairs cut to the maximum length" not in run_page(PARAMS, outcome, run)
    first, second = outcome.histories[run]
    history = [first, replace(second, dev_score=None, train_loss=None)]
    summary = changed(
        outcome.summaries[run],
        stopped="the loss is inf in step 3",
        pairs_cut={"quora": {"train": 1234, "dev": 0}},
    )
    outcome = replace(
        outcome,
        histories={**outcome.histories, run: history},
        summaries={**outcome.summaries, run: summary},
    )
    page = run_page(PARAMS, outcome, run)
    assert "| **1** | quora  |     3 |         0.500 |     0.500 |" in page
    assert "|     2 | quora  |     3 |             – |         – |" in page
    assert "2, kept epoch: 1; stopped early: the loss is inf in step 3" in page
    assert re.search(r"\| Pairs cut to the maximum length +\| 1,234 of quora train +\|", page)
    assert run_figure(outcome, run, "head").startswith("<?xml")


def test_a_run_without_any_known_prediction_still_has_a_page(outcome: Outcome) -> None:
    (result,) = (r for r in outcome.results if r.run == "sts-pretrain")
    bins = [replace(bin_, count=0, predicted=None, true=None) for bin_ in result.analysis.bins]
    nothing = replace(
        result.analysis, points=[], bins=bins, calibration_error=None, mistakes=[], num_zero=0
    )
    reason = "undefined: training stopped, the loss is no number"
    nothing_known = {"score": None, "ci_low": None, "ci_high": None, "best_epoch": 0}
    undefined = changed(result, **nothing_known, analysis=nothing, reason=reason)
    outcome = replace(outcome, results=[undefined])
    page = run_page(PARAMS, outcome, "sts-pretrain")
    assert f"{reason}." in page
    assert "There is none." not in page
    assert run_figure(outcome, "sts-pretrain", "head").startswith("<?xml")
