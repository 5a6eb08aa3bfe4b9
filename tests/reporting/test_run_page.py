"""A run's page: its score, settings, epochs and mistakes, and the command that makes it again."""

import re
from dataclasses import replace

from pipeline import paths
from pipeline.params import Params
from pipeline.reporting.run_figure import run_figure
from pipeline.reporting.run_page import run_page
from tests.reporting.conftest import outcome_of


def page_of(params: Params, run: str) -> str:
    return run_page(params, outcome_of(params), run, ["head"])


def test_the_page_quotes_mistakes_with_text_label_and_probability(params: Params) -> None:
    page = page_of(params, "quora-finetune")
    cells = [cell.strip() for cell in page.split("| `wrong` |")[1].splitlines()[0].split("|")]
    assert cells[:4] == ["0", "1", "0.900", r"A \*first\* sentence. / A second one."]


def test_similarities_have_no_probability_but_say_how_many_are_zero(params: Params) -> None:
    page = page_of(params, "sts-finetune")
    assert "1 of 2 predictions are exactly 0" in page
    assert "Probability" not in page
    assert "| `wrong` |     5 |      0.00 | A " in page


def test_a_multitask_run_has_a_section_for_each_corpus(params: Params) -> None:
    page = page_of(params, "multitask-finetune")
    sections = [line for line in page.splitlines() if line.startswith("## Mistakes on ")]
    assert len(sections) == 3


def test_it_says_how_to_train_the_run_again_and_what_it_came_from(params: Params) -> None:
    page = page_of(params, "sst-pretrain")
    assert "`dvc repro -f -s train@sst-pretrain`" in page
    assert "0" * 64 in page  # the weights
    assert "| `data/x` | `1111111111111111…` |" in page
    assert "torch 2.13.0" in page


def test_the_kept_epoch_is_bold_and_undefined_numbers_are_dashes(params: Params) -> None:
    outcome = outcome_of(params)
    first, second = outcome.histories["sst-pretrain"]
    history = [first, replace(second, dev_score=None, train_loss=None)]
    outcome = replace(outcome, histories={**outcome.histories, "sst-pretrain": history})
    page = run_page(params, outcome, "sst-pretrain", ["head"])
    assert "| **1** | sst    |     3 |         0.500 |     0.500 |" in page
    assert "|     2 | sst    |     3 |             – |         – |" in page
    assert run_figure(outcome, "sst-pretrain", "head").startswith("<?xml")


def test_a_run_that_stopped_early_says_so_and_why(params: Params) -> None:
    outcome = outcome_of(params)
    told = replace(outcome.summaries["sst-pretrain"], stopped="the loss is inf in step 3")
    outcome = replace(outcome, summaries={**outcome.summaries, "sst-pretrain": told})
    page = run_page(params, outcome, "sst-pretrain", ["head"])
    assert "2, kept: 1; stopped early: the loss is inf in step 3" in page


def test_the_settings_name_the_readings_of_the_runs_that_have_one(params: Params) -> None:
    joint, step = "| joint: both sentences in one sequence", "| step: AdamW moves a head"
    page = page_of(params, "multitask-finetune")
    assert joint in page
    assert step in page
    page = page_of(params, "sts-finetune")
    assert joint in page
    assert "Idle heads" not in page
    assert "Pair encoding" not in page_of(params, "sst-finetune")


def test_pairs_that_were_cut_are_counted_where_there_are_any(params: Params) -> None:
    assert "Pairs that were cut" not in page_of(params, "quora-finetune")
    path = paths.run_summary(paths.run_dir("quora-finetune"))
    path.write_text(path.read_text().replace('{"train": 0, "dev": 0}', '{"train": 1234, "dev": 0}'))
    page = page_of(params, "quora-finetune")
    assert re.search(r"\| Pairs that were cut +\| 1,234 of quora train +\|", page)


def test_a_run_without_any_known_prediction_still_has_a_page(params: Params) -> None:
    outcome = outcome_of(params)
    (result,) = (r for r in outcome.results if r.run == "sts-pretrain")
    bins = [replace(bin_, count=0, predicted=None, true=None) for bin_ in result.analysis.bins]
    nothing = replace(
        result.analysis, points=[], bins=bins, calibration_error=None, mistakes=[], num_zero=0
    )
    undefined = replace(
        result,
        score=None,
        ci_low=None,
        ci_high=None,
        best_epoch=0,
        analysis=nothing,
        reason="undefined: training stopped, the loss is no number",
    )
    results = [undefined if r is result else r for r in outcome.results]
    outcome = replace(outcome, results=results)
    page = run_page(params, outcome, "sts-pretrain", ["head"])
    assert "undefined: training stopped" in page
    assert "undefined: training stopped, the loss is no number." in page
    assert "There is none." not in page
    assert run_figure(outcome, "sts-pretrain", "head").startswith("<?xml")
