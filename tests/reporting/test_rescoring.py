"""rescore: committed scores are reproduced up to differences that rounding explains."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.data.sources import write_corpora
from pipeline.errors import ReportError
from pipeline.evaluation.course_format import NUM_DECIMALS, write_predictions
from pipeline.heads.metrics import pearson
from pipeline.plumbing.params import Params
from pipeline.reporting.gathering import gather
from pipeline.reporting.records import read_params, records_of
from pipeline.reporting.rescoring import Rescored, rescore, rounding_allows
from tests.reporting.conftest import ROOT, write

SCORES = paths.scores_json("sts-pretrain")
RECORDS = Path("reports/demo/records")


def test_every_score_of_the_committed_demo_is_reproduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    records = records_of("demo")
    params = read_params(records)
    write_corpora(params.active.corpora, params.seed, tmp_path)
    rows = rescore(params, records, tmp_path)
    assert [row.configuration for row in rows] == list(params.configurations)
    assert [row for row in rows if not row.agrees] == []


def rescored(
    params: Params, labels: list[float], predictions: list[float], score: float | None
) -> Rescored:
    """Rescore predictions for STS with a different score on record."""
    ids = ["wrong", *(f"id{number}" for number in range(1, len(labels)))]
    lines = [f"{id_},One,Two,{label}" for id_, label in zip(ids, labels, strict=True)]
    write(Path("data/corpora/sts/dev.csv"), "\n".join(["id,first,second,label", *lines]) + "\n")
    known = [(id_, value) for id_, value in zip(ids, predictions, strict=True) if value == value]
    path = paths.predictions_csv("sts-pretrain", "sts", "dev")
    write_predictions(path, [i for i, _ in known], [v for _, v in known], CORPORA["sts"])
    data = json.loads(SCORES.read_text())
    data["corpora"]["sts"] |= {"score": score, "reason": "undefined: dead" if score is None else ""}
    write(SCORES, data)
    gather(params, {}, RECORDS)
    for run in ("sts-finetune", "multitask-pretrain", "multitask-finetune"):  # with other ids
        (RECORDS / f"predictions/{run}/sts-dev.csv").write_bytes(path.read_bytes())
    rows = rescore(params, records_of("demo"), Path("data/corpora"))
    (row,) = (row for row in rows if row.configuration == "sts-single-pretrain")
    return row


EXACT = [0.12345678, 1.3, 1.98765432, 3.7]  # a file keeps six decimals
SINGLE = np.array([0.0, 1.4, 2.0, 5.0], dtype=np.float32)  # the precision of labels in evaluation
RIGHT = pearson(np.array(EXACT), SINGLE).value or math.nan


@pytest.mark.parametrize(
    ("labels", "predictions", "score", "agrees"),
    [
        ([0, 2, 4], [1, 2, 3], 1.0, True),
        ([0, 2, 4], [3, 2, 1], 1.0, False),
        (SINGLE, EXACT, RIGHT, True),  # rounding explains this
        (SINGLE, EXACT, RIGHT + 2e-6, False),  # but not this
        ([0, 2, 4], [0, 0, 0], None, True),  # both are undefined
        ([0, 2, 4], [0, 1, 0], None, False),
        ([0, 2, 4], [0, 0, 0], 0.0, False),
        ([0, 2, 4], [0, 2, math.nan], 1.0, False),  # a prediction is missing: undefined
    ],
)
def test_a_score_is_reproduced_or_not(
    params: Params, labels: list[float], predictions: list[float], score: float | None, agrees: bool
) -> None:
    assert rescored(params, labels, predictions, score).agrees is agrees


def test_labels_are_float32_as_in_evaluation(params: Params) -> None:
    labels, predictions = [0.0, 1.4, 2.2, 4.7], [0.1, 1.3, 1.9, 3.7]
    right = pearson(np.array(predictions), np.array(labels, dtype=np.float32)).value
    found = rescored(params, labels, predictions, right).found
    assert found == pytest.approx(right, rel=0, abs=1e-14)


def test_predictions_for_a_different_dev_set_are_rejected(params: Params) -> None:
    gather(params, {}, RECORDS)
    write(Path("data/corpora/sst/dev.csv"), "id,first,second,label\nother,A text,,1\n")
    with pytest.raises(ReportError) as raised:
        rescore(params, records_of("demo"), Path("data/corpora"))
    assert str(raised.value) == (
        f"{RECORDS}/predictions/sst-pretrain/sst-dev.csv predicts wrong, which is not in the dev "
        "set of sst as it is made now; `make repro PROFILE=demo` writes it anew"
    )


@pytest.mark.parametrize("lines", ["wrong , 1 \nwrong , 0 \n", "wrong 1\n"])
def test_damaged_predictions_are_named(params: Params, lines: str) -> None:
    gather(params, {}, RECORDS)
    path = RECORDS / "predictions/sst-pretrain/sst-dev.csv"
    path.write_text(f"id \t Predicted_Sentiment \n{lines}")
    with pytest.raises(ReportError, match=f"^{path} is damaged; `git checkout"):
        rescore(params, records_of("demo"), Path("data/corpora"))


@pytest.mark.parametrize("spread", [1.0, 2e-6])
def test_rounding_never_changes_a_correlation_by_more_than_the_limit(spread: float) -> None:
    random = np.random.default_rng(7)
    moved = []
    for _ in range(200):
        labels = random.uniform(0, 5, 30)
        exact = 2.5 + spread * random.standard_normal(30)
        rounded = exact.round(NUM_DECIMALS)
        before, after = pearson(exact, labels).value, pearson(rounded, labels).value
        assert before is not None
        assert after is not None
        moved.append(abs(after - before) / rounding_allows(CORPORA["sts"], rounded))
    assert 0.01 < max(moved) <= 1  # and the bound has the right size
