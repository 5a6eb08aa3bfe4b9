"""sweep.md and the column of seeds: results of trials, and no trace without trials.

test_pages.py has a sweep of seeds together with readings, from the committed records.
"""

import json
from collections.abc import Mapping

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.records import DevScore, RunSummary, TrialScores, TrialSummary
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.launch.sweep import read_grid, trials_of
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Trial
from pipeline.reporting.results import spread_of
from pipeline.reporting.sweep_page import sweep_page, swept
from pipeline.reporting.tables import table3, table3_json, table3_page
from tests.reporting.conftest import cells_of, outcome_of

OWN = 0.5  # score of the runs in conftest.py
READING = "pair_encoding=joint,separate"


def sweep(params: Params, runs: list[str], num_seeds: int, grid: str = "") -> dict[str, Trial]:
    """Return the trials of a sweep after writing their results."""
    trials = trials_of(params, runs, num_seeds, read_grid(grid) if grid else {})
    for name in trials:
        write_trial(params, name, trials[name], {})
    return trials


def write_trial(params: Params, name: str, trial: Trial, given: Mapping[str, float | None]) -> None:
    """Write what a trial would have left; scores that are not given are 0.6."""
    corpora: dict[CorpusName, DevScore] = {}
    for corpus in params.run(trial.run).corpora:
        score = given.get(corpus, 0.6)
        low, high = (None, None) if score is None else (score - 0.01, score + 0.01)
        reason = "undefined: constant predictions" if score is None else None
        corpora[corpus] = DevScore(
            metric=CORPORA[corpus].task.metric,
            num_examples=4,
            score=score,
            ci_low=low,
            ci_high=high,
            reason=reason,
            secondary={},
            majority_class=None,
            best_epoch=2,
        )
    summary = RunSummary.read(paths.run_dir(trial.run) / paths.RUN_SUMMARY)
    trained = TrialSummary(**dict(summary))
    record = TrialScores(trial=name, run=trial.run, trained=trained, corpora=corpora)
    record.write(paths.trial_dir(name) / paths.TRIAL_SCORES)


def lines_of(page: str, start: str) -> list[list[str]]:
    """Return the cells of the rows of a page's tables that begin with a cell."""
    return cells_of(line for line in page.splitlines() if line.startswith(f"| {start} "))


def page_of(params: Params, trials: Mapping[str, Trial]) -> str:
    return sweep_page(params, outcome_of(params, trials))


def test_table_3_shows_statistics_only_for_swept_rows(params: Params) -> None:
    trials = sweep(params, ["multitask-pretrain"], 3)
    first, second = trials
    write_trial(params, first, trials[first], {"sst": 0.48, "quora": None, "sts": None})
    write_trial(params, second, trials[second], {"sst": 0.43, "quora": 0.61, "sts": None})
    outcome = outcome_of(params, trials)
    header, _, *lines = cells_of(table3(params, outcome.results).splitlines())
    seeds = [line[header.index("Seeds")] for line in lines]
    cells = dict(zip((row.configuration for row in outcome.results), seeds, strict=True))
    deviation = np.std([OWN, 0.48, 0.43], ddof=1)
    assert cells.pop("sst-multitask-pretrain") == f"0.470 ± {deviation:.3f} (3), best 0.500"
    shown = "0.555 ± 0.078 (2 of 3, others undefined), best 0.610"
    assert cells.pop("quora-multitask-pretrain") == shown
    assert cells.pop("sts-multitask-pretrain") == "0.500 (1 of 3, others undefined), best 0.500"
    assert set(cells.values()) == {"–"}
    assert "The paper reports a single score for each row" in table3_page(params, outcome)
    rows = {row["configuration"]: row for row in table3_json(outcome.results)}
    assert len([name for name, row in rows.items() if "seeds" in row]) == 3
    assert rows["sst-multitask-pretrain"]["seeds"] == {
        "count": 3,
        "undefined": 0,
        "mean": pytest.approx(0.47),
        "sd": pytest.approx(deviation),
        "worst": 0.43,
        "best": OWN,
    }


def test_seeds_without_a_score_are_counted() -> None:
    assert spread_of([None, None]).shown == "undefined (2 of 2)"


def test_a_claim_is_checked_for_seeds_that_have_both_rows(params: Params) -> None:
    trials = sweep(params, ["sst-pretrain", "sst-finetune"], 3)
    trials |= sweep(params, ["quora-pretrain"], 3)  # its finetune row has one seed
    name = f"sst-finetune-seed{params.seed + 2}"
    write_trial(params, name, trials[name], {"sst": 0.7})
    page = page_of(params, trials)
    answer = "The answer is yes for every seed in 0 of 1 rows."
    assert f"**Does finetune beat pretrain? {answer}**" in page
    (row,) = lines_of(page, "sst single-task")
    deviation = np.std([0, 0, 0.1], ddof=1)
    assert row == ["sst single-task", "1 of 3", f"0.033 ± {deviation:.3f} (3)"]
    assert "hold up against" not in page


def test_a_grid_has_a_row_for_each_setting_and_the_best_is_bold(params: Params) -> None:
    grid = "learning_rate=1e-3,2e-3 dropout=0.3,0.1"
    trials = sweep(params, ["sst-pretrain"], 2, grid)
    for name, trial in trials.items():
        if trial.changes.learning_rate and trial.changes.dropout:
            write_trial(params, name, trial, {"sst": 0.8 if trial.seed == params.seed else None})
    page = page_of(params, trials)
    assert "## Settings of sst-pretrain" in page
    assert "the best of 4 settings, not counting those with an undefined score." in page
    assert "It is chosen on the same dev set" in page
    (own,) = lines_of(page, "params.yaml")
    assert own == ["params.yaml", "1e-3", "0.3", "sst 64", "0.550 ± 0.071 (2)"]
    rows = [row[1:] for row in lines_of(page, "tried")]
    assert rows == [
        ["1e-3", "0.1", "sst 64", "**0.600 ± 0.000 (2)**"],
        ["2e-3", "0.1", "sst 64", "0.800 (1 of 2, others undefined)"],
        ["2e-3", "0.3", "sst 64", "**0.600 ± 0.000 (2)**"],
    ]
    assert "-seed11712, sst: undefined: constant predictions" in page


def test_readings_alone_add_neither_a_page_nor_a_column_of_seeds(params: Params) -> None:
    trials = sweep(params, ["sts-finetune"], 1, "pair_encoding=separate")
    trials |= sweep(params, ["multitask-pretrain"], 1, "idle_heads=skip")
    outcome = outcome_of(params, trials)
    assert len(outcome.tried) == 4
    assert swept(params.seed, outcome.tried) == []
    assert not any(row.seeds for row in outcome.results)


def test_a_grid_over_readings_names_them_and_includes_make_readings(params: Params) -> None:
    trials = sweep(params, ["sts-finetune"], 2, READING)
    for name, trial in trials.items():
        if trial.has_changes:
            write_trial(params, name, trial, {"sts": 0.1})
    page = page_of(params, trials)
    (own,) = lines_of(page, "params.yaml")
    assert own == ["params.yaml", "1e-4", "0.3", "sts 16", "joint", "**0.550 ± 0.071 (2)**"]
    (tried,) = lines_of(page, "tried")
    assert tried == ["tried", "1e-4", "0.3", "sts 16", "separate", "0.100 ± 0.000 (2)"]


def test_only_trials_with_nothing_but_a_new_seed_count_as_seeds(params: Params) -> None:
    trials = sweep(params, ["sst-pretrain"], 3, "dropout=0.1,0.3")
    for name, trial in trials.items():
        write_trial(params, name, trial, {"sst": 0.9 if trial.has_changes else 0.6})
    for seed, count in ((params.seed, 3), (params.seed + 1, 2)):  # the first includes the run
        outcome = outcome_of(params.model_copy(update={"seed": seed}), trials)
        (spread,) = (row.seeds for row in outcome.results if row.seeds)
        assert (spread.count, spread.worst, spread.best) == (count, OWN, 0.6)


def test_the_run_of_table_3_counts_as_a_seed_even_if_undefined(params: Params) -> None:
    for run in ("sst-pretrain", "sts-pretrain"):  # only the first is swept
        path = paths.scores_json(run)
        content = json.loads(path.read_text())
        for score in content["corpora"].values():
            score |= {"score": None, "reason": "undefined: constant"}
        path.write_text(json.dumps(content))
    trials = sweep(params, ["sst-pretrain", "sst-finetune"], 3)
    name, other = (name for name in trials if name.startswith("sst-finetune"))
    path = paths.trial_dir(other) / paths.TRIAL_SCORES
    path.write_text(path.read_text().replace('"stopped": null', '"stopped": "the loss is nan"'))
    write_trial(params, name, trials[name], {"sst": None})
    path = paths.run_dir("sst-pretrain") / paths.RUN_SUMMARY
    path.write_text(path.read_text().replace('"cpu"', '"NVIDIA H100"'))
    page = page_of(params, trials)
    devices = "NVIDIA H100 (fp32), cpu (fp32). So part of the spread may come from the devices"
    assert "4 training runs in addition to those of Table 3. All of them" in page
    assert devices in page
    assert "- sst-pretrain of Table 3, sst: undefined: constant\n" in page
    assert f"- {other}, sst: stopped early" in page
    assert "sts-pretrain" not in page
    assert lines_of(page, "sst single-task")[0][1] == "1 of 3"  # 0.5 to none; none to 0.6; a tie
    assert "An undefined score does not hold up and counts as lower than any defined score." in page
