"""What the report reads: one clear sentence for what is missing or damaged."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.schemas import EVALUATE, TRAIN, VALIDATE
from pipeline.errors import ReportError, SchemaError
from pipeline.plumbing.params import ConfigurationParams, Params, RunParams
from pipeline.reporting.gathering import gather
from pipeline.reporting.pages import index_page
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.tables import best_scores, summary, table3, table3_json
from tests.reporting.conftest import outcome_of

SCORES = Path("data/scores/sst-pretrain.json")
SUMMARY = Path("data/runs/sst-pretrain/run.json")
HISTORY = Path("data/runs/sst-pretrain/history.csv")
VALIDATION = Path("data/validation/sts.json")
MISSING, DAMAGED = "is missing; run `dvc repro`", "is damaged; delete it and run `dvc repro`"
UNDEFINED = "undefined: constant predictions"
Spoil = Callable[[Path], Any]


def change(*keys: str, to: Any) -> Spoil:
    """Return what puts another value at a place in a JSON file."""

    def apply(path: Path) -> None:
        content = inner = json.loads(path.read_text())
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        path.write_text(json.dumps(content))

    return apply


def content(text: str | dict[str, Any]) -> Spoil:
    """Return what puts other content into a file."""
    return lambda path: path.write_text(text if isinstance(text, str) else json.dumps(text))


def history(rows: str) -> Spoil:
    """Return what puts rows of epoch, corpus, steps and dev score into a history."""
    header = "epoch,corpus,steps,dev_score,train_loss,note\n"
    return content(header + rows.replace("\n", ",0.1,\n"))


def scores(**given: Any) -> Spoil:
    return content({"schema": str(EVALUATE), "weights_sha256": "", "corpora": given})


# what is wrong with any record is in test_records.py; here, that each of them is looked at
SPOILT: list[tuple[Path, Spoil, str]] = [
    *((path, Path.unlink, MISSING) for path in (SCORES, SUMMARY, VALIDATION, HISTORY)),
    *((path, content("[]"), DAMAGED) for path in (SCORES, SUMMARY, VALIDATION)),
    (SCORES, scores(), "says nothing of 'sst'; delete it"),
    (SCORES, scores(sst={"score": 0.5, "analysis": {"mistakes": []}}), "says nothing of 'reason'"),
    (SUMMARY, content({"schema": str(TRAIN), "best_epoch": 1}), "says nothing of 'device'"),
    (VALIDATION, content({"schema": str(VALIDATE), "source": "synthetic"}), "says nothing of 'c"),
    (SCORES, change("corpora", "sst", "ci_low", to=True), DAMAGED),
    (SCORES, change("corpora", "sst", "majority_class", to=[0.5]), DAMAGED),
    (SCORES, change("corpora", "sst", "score", to=float("nan")), DAMAGED),
    (SCORES, change("corpora", "sst", "score", to=None), DAMAGED),  # it has no reason
    *(
        (HISTORY, history(rows), DAMAGED)
        for rows in (
            "",  # no epoch at all
            "2,sst,3,0.5\n",  # the first is missing
            "1,sst,3,0.5\n1,sst,3,0.5\n",
            "1,quora,3,0.5\n",  # another run's corpus
            "1,sst,3,nan\n",
            "1,sst,,0.5\n",
            "1,sst,3,0.5\n",  # the second of two is missing
            "1\n",
        )
    ),
    (HISTORY, content("epoch,corpus,steps\n1,sst,3\n"), "says nothing of 'dev_score'"),
]


def test_what_is_wrong_with_a_file_is_said_with_its_name(params: Params) -> None:
    records = gather(params, {}, Path("records"))
    for path, spoil, said in SPOILT:
        recorded = records.folder / paths.recorded(path)
        whole = recorded.read_bytes()
        spoil(recorded)
        with pytest.raises((ReportError, SchemaError), match=f"^{path} {re.escape(said)}"):
            read_outcome(params, {}, records)
        recorded.write_bytes(whole)


def test_a_mistake_without_a_text_is_named(params: Params) -> None:
    records = gather(params, {}, Path("records"))
    Path("records/texts.json").write_text('{"schema": "report/1", "texts": {"sst": {}}}')
    with pytest.raises(ReportError, match=r"^data/texts\.json says nothing of 'wrong'"):
        read_outcome(params, {}, records)


def test_fourteen_results_stand_in_the_order_of_params_with_rates_as_used(params: Params) -> None:
    results = outcome_of(params).results
    assert [row.configuration for row in results] == list(params.configurations)
    rows = {row.configuration: row for row in results}
    assert rows["sst-single-pretrain"].paper_score is not None
    assert rows["sst-single-pretrain"].learning_rate == 1e-3
    assert rows["sst-single-finetune"].learning_rate == pytest.approx(1e-4)  # 10 times 1e-5


def test_an_undefined_score_keeps_its_reason_and_an_undefined_epoch_is_none(params: Params) -> None:
    change("corpora", "sst", "score", to=None)(SCORES)
    change("corpora", "sst", "reason", to=UNDEFINED)(SCORES)
    history("1,sst,3,\n2,sst,3,0.25\n")(HISTORY)
    outcome = outcome_of(params)
    (row,) = (row for row in outcome.results if row.configuration == "sst-single-pretrain")
    assert (row.score, row.reason) == (None, UNDEFINED)
    assert [epoch.dev_score for epoch in outcome.history(row)] == [None, 0.25]


def test_history_of_a_stopped_run_may_end_early_and_the_pages_say_so(params: Params) -> None:
    history("1,sst,3,\n")(HISTORY)
    change("stopped", to="the loss is nan in step 3, epoch 1 (sst)")(SUMMARY)
    outcome = outcome_of(params)
    (row,) = (row for row in outcome.results if row.configuration == "sst-single-pretrain")
    assert row.stopped
    assert "stopped in 1 of 2" in index_page(params, outcome)
    assert table3(params, [row]).count("†") == 1
    assert table3_json([row])[0]["stopped"] is True


def added(params: Params, name: str, run: RunParams, corpus: Any) -> Params:
    """Return params with a run and a row of it more."""
    row = ConfigurationParams(run=name, corpus=corpus)
    rows = {**params.configurations, f"{corpus}-{name}": row}
    return params.model_copy(update={"runs": {**params.runs, name: run}, "configurations": rows})


def test_the_papers_score_goes_to_one_row_and_its_claims_count_no_added_one(
    params: Params,
) -> None:
    before = outcome_of(params).results
    for folder in ("runs", "predictions"):
        shutil.copytree(f"data/{folder}/sst-finetune", f"data/{folder}/sst-plain")
    for folder in ("scores", "inputs"):
        shutil.copy(f"data/{folder}/sst-finetune.json", f"data/{folder}/sst-plain.json")
    run = params.runs["sst-finetune"].model_copy(update={"dropout": 0.0})
    more = added(params, "sst-plain", run, "sst")
    after = outcome_of(more).results
    assert after[-1].paper_score is None
    assert after[:-1] == before
    assert summary(after) == summary(before)
    assert "single-task: sst-plain" in table3(more, after)


def test_best_scores_may_be_negative_and_never_undefined(result: Any) -> None:
    rows = [
        result("sts", "single-task", "pretrain", -0.2),
        result("sts", "multi-task", "pretrain", None),
        result("sts", "single-task", "finetune", -0.1),
        result("sst", "multi-task", "pretrain", None),
    ]
    assert best_scores(rows, "score") == {"sts": -0.1}
