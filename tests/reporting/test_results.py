"""What the report reads: one clear sentence for what is missing or damaged."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ReportError, SchemaError
from pipeline.params import ConfigurationParams, Params, RunParams
from pipeline.reporting.gathering import gather
from pipeline.reporting.pages import index_page
from pipeline.reporting.results import best_scores, read_outcome
from pipeline.reporting.tables import summary, table3, table3_json
from pipeline.schemas import TRAIN
from tests.reporting.conftest import outcome_of

SCORES = Path("data/scores/sst-pretrain.json")
SUMMARY = Path("data/runs/sst-pretrain/run.json")
HISTORY = Path("data/runs/sst-pretrain/history.csv")
PREDICTIONS = "data/predictions/sst-pretrain/sst-dev.csv"
UNREASONED = {"score": 0.5, "analysis": {"mistakes": []}}


def change(path: Path, *keys: str, to: Any) -> None:
    """Put another value at a place in a JSON file."""
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    path.write_text(json.dumps(content))


def test_fourteen_results_stand_in_the_order_of_params(params: Params) -> None:
    results = outcome_of(params).results
    assert [row.configuration for row in results] == list(params.configurations)
    assert results[0].paper_score == 0.722


def test_rate_is_the_one_used_under_the_profile(params: Params) -> None:
    rates = {row.configuration: row.learning_rate for row in outcome_of(params).results}
    assert rates["sst-single-pretrain"] == 1e-3
    assert rates["sst-single-finetune"] == pytest.approx(1e-4)  # 1e-5 times the demo's 10


def test_configuration_the_paper_does_not_have_has_no_paper_score(params: Params) -> None:
    run = RunParams(
        mode="finetune", learning_rate=1e-5, batch_size={"sst": 8, "cfimdb": 8}, dropout=0.3
    )
    row = ConfigurationParams(run="multitask-finetune", corpus="cfimdb")
    added = params.model_copy(
        update={
            "runs": {**params.runs, "multitask-finetune": run},
            "configurations": {"cfimdb-multitask": row},
        }
    )
    for split in ("dev", "test"):
        path = Path(f"data/predictions/multitask-finetune/cfimdb-{split}.csv")
        path.write_text("id \t Predicted_Sentiment \n")
    with pytest.raises(ReportError, match=r"multitask-finetune\.json says nothing of 'cfimdb'"):
        outcome_of(added)
    scores = Path("data/scores/multitask-finetune.json")
    change(scores, "corpora", "cfimdb", to=json.loads(SCORES.read_text())["corpora"]["sst"])
    folder = Path("data/runs/multitask-finetune")
    change(folder / "run.json", "epochs", to=1)
    change(folder / "run.json", "turns", "cfimdb", to=1)
    change(folder / "run.json", "discarded", "cfimdb", to={"examples": 0})
    (folder / "history.csv").write_text(
        "epoch,corpus,steps,train_loss,dev_score,note\n1,cfimdb,1,,0.5,\n1,sst,1,,0.5,\n"
    )
    assert [row.paper_score for row in outcome_of(added).results] == [None]


@pytest.mark.parametrize(
    "name",
    [str(SCORES), str(SUMMARY), str(HISTORY), PREDICTIONS, "data/validation/sts.json"],
)
def test_missing_file_is_named(params: Params, name: str) -> None:
    Path(name).unlink()
    with pytest.raises(ReportError, match=f"^{name} is missing; run `dvc repro`$"):
        outcome_of(params)


@pytest.mark.parametrize("name", [str(SCORES), str(SUMMARY), "data/validation/sts.json"])
@pytest.mark.parametrize("content", ["{", "[]", "null", "", b"\xff"])
def test_file_that_is_no_json_object_is_named(
    params: Params, name: str, content: str | bytes
) -> None:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReportError, match=f"^{name} is damaged; delete it and run `dvc repro`$"):
        outcome_of(params)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        (SCORES, {"schema": "evaluate/2", "weights_sha256": "", "corpora": {}}, "sst"),
        (
            SCORES,
            {"schema": "evaluate/2", "weights_sha256": "", "corpora": {"sst": UNREASONED}},
            "reason",
        ),
        (SUMMARY, {"schema": str(TRAIN), "best_epoch": 1}, "device"),
        (
            Path("data/validation/sts.json"),
            {"schema": "validate/2", "source": "synthetic", "counts": {}},
            "paper_counts",
        ),
    ],
)
def test_key_that_is_not_there_is_named(
    params: Params, name: Path, content: dict[str, Any], key: str
) -> None:
    name.write_text(json.dumps(content))
    with pytest.raises(ReportError, match=f"^{name} says nothing of '{key}'; delete it"):
        outcome_of(params)


@pytest.mark.parametrize("value", ["high", True, float("nan"), float("inf"), [0.5]])
@pytest.mark.parametrize("key", ["score", "ci_low", "ci_high", "majority_class"])
def test_score_that_is_no_number_is_refused(params: Params, key: str, value: Any) -> None:
    change(SCORES, "corpora", "sst", key, to=value)
    with pytest.raises(ReportError, match=f"^{SCORES} is damaged"):
        outcome_of(params)


def test_undefined_score_without_a_reason_is_refused(params: Params) -> None:
    change(SCORES, "corpora", "sst", "score", to=None)
    with pytest.raises(ReportError, match=f"^{SCORES} is damaged"):
        outcome_of(params)
    change(SCORES, "corpora", "sst", "reason", to="undefined: constant predictions")
    rows = {row.configuration: row for row in outcome_of(params).results}
    assert rows["sst-single-pretrain"].score is None
    assert rows["sst-single-pretrain"].reason == "undefined: constant predictions"


@pytest.mark.parametrize(
    "rows",  # epoch, corpus, steps, dev score
    [
        "",  # no epoch at all
        "2,sst,3,0.5\n",  # the first is missing
        "1,sst,3,0.5\n1,sst,3,0.5\n",
        "1,quora,3,0.5\n",  # another run's corpus
        "1,sst,3,high\n",
        "1,sst,3,nan\n",
        "1,sst,,0.5\n",
        "1,sst,3,0.5\n",  # the second of two is missing
        "1\n",
    ],
)
def test_history_that_no_training_writes_is_refused(params: Params, rows: str) -> None:
    HISTORY.write_text(
        "epoch,corpus,steps,dev_score,train_loss,note\n" + rows.replace("\n", ",0.1,\n")
    )
    with pytest.raises(ReportError, match=f"^{HISTORY} is damaged; delete it and run `dvc repro`$"):
        outcome_of(params)


def test_history_of_a_stopped_run_may_end_early_and_is_told_so(params: Params) -> None:
    HISTORY.write_text(
        "epoch,corpus,steps,train_loss,dev_score,note\n1,sst,3,,,the loss is nan in step 3\n"
    )
    change(SUMMARY, "stopped", to="the loss is nan in step 3, epoch 1 (sst)")
    outcome = outcome_of(params)
    (row,) = (row for row in outcome.results if row.configuration == "sst-single-pretrain")
    assert row.stopped
    assert "stopped in 1 of 2" in index_page(params, outcome)
    assert table3(params, [row]).count("†") == 1
    assert table3_json([row])[0]["stopped"] is True


def test_history_without_a_column_is_refused(params: Params) -> None:
    HISTORY.write_text("epoch,corpus,steps\n1,sst,3\n")
    with pytest.raises(ReportError, match=f"^{HISTORY} says nothing of 'dev_score'"):
        outcome_of(params)


@pytest.mark.parametrize("name", [SCORES, SUMMARY, Path("data/validation/sts.json")])
def test_file_of_another_version_is_refused(params: Params, name: Path) -> None:
    change(name, "schema", to="older/0")
    with pytest.raises(SchemaError, match=f"^{name} was written by another version"):
        outcome_of(params)


def test_undefined_epoch_is_read_as_none(params: Params) -> None:
    HISTORY.write_text(
        "epoch,corpus,steps,train_loss,dev_score,note\n1,sst,3,,,\n2,sst,3,0.1,0.25,\n"
    )
    scores = [row.dev_score for row in outcome_of(params).histories["sst-pretrain"]]
    assert scores == [None, 0.25]


def test_best_scores_may_be_negative_and_never_undefined(result: Any) -> None:
    rows = [
        result("sts", "single-task", "pretrain", -0.2),
        result("sts", "multi-task", "pretrain", None),
        result("sts", "single-task", "finetune", -0.1),
        result("sst", "multi-task", "pretrain", None),
    ]
    assert best_scores(rows, "score") == {"sts": -0.1}


def test_the_papers_score_goes_to_one_row_and_its_claims_count_no_added_one(
    params: Params,
) -> None:
    run = params.runs["sst-finetune"].model_copy(update={"dropout": 0.0})
    Path("data/runs/sst-plain").mkdir()
    shutil.copytree("data/predictions/sst-finetune", "data/predictions/sst-plain")
    for name in ("run.json", "history.csv"):
        text = Path("data/runs/sst-finetune", name).read_text()
        Path("data/runs/sst-plain", name).write_text(text)
    for folder in ("scores", "inputs"):
        text = Path("data", folder, "sst-finetune.json").read_text()
        Path("data", folder, "sst-plain.json").write_text(text)
    row = ConfigurationParams(run="sst-plain", corpus="sst")
    added = params.model_copy(
        update={
            "runs": {**params.runs, "sst-plain": run},
            "configurations": {**params.configurations, "sst-single-plain": row},
        }
    )
    before, after = outcome_of(params).results, outcome_of(added).results
    assert after[-1].paper_score is None
    assert after[:-1] == before
    assert summary(after) == summary(before)
    assert "single-task: sst-plain" in table3(added, after)


def test_a_mistake_without_a_text_is_named(params: Params) -> None:
    records = gather(params, {}, Path("records"))
    Path("records/texts.json").write_text('{"schema": "report/1", "texts": {"sst": {}}}')
    with pytest.raises(ReportError, match=r"^data/texts\.json says nothing of 'wrong'"):
        read_outcome(params, {}, records)
