"""Scores of a corpus: the score, its interval and secondary scores."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.core import paths
from pipeline.core.records import RunSummary
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.errors import TrainingError
from pipeline.evaluation import scores
from pipeline.evaluation.scores import Answers, score_answers
from pipeline.plumbing.params import EvaluationParams
from tests.params import PARAMS
from tests.splits import split_of

ROOT = Path(__file__).parents[2]
SUMMARY = RunSummary.read(ROOT / "reports/demo/records/runs/sst-finetune/run.json")
EVALUATION = EvaluationParams(batch_size=8, bootstrap_resamples=500, confidence=0.95)


def scored(
    corpus: CorpusName, labels: Sequence[float], predictions: Sequence[float], seed: int = 1
) -> dict[str, Any]:
    """Return what is known of the predictions of epoch 3."""
    sentences = [[101, 102]] * (len(labels) * CORPORA[corpus].task.num_sentences)
    split = split_of(corpus, sentences, labels)
    params = PARAMS.model_copy(update={"evaluation": EVALUATION, "seed": seed})
    summary = SUMMARY.model_copy(update={"best_epoch": 3})
    known = np.array(predictions, dtype=float)
    answers = Answers("dev", split, torch.tensor(predictions), known, summary)
    return score_answers(params, answers).model_dump()


def test_accuracy_by_hand() -> None:
    found = scored("sst", [0, 1, 2, 2], [0, 1, 2, 3])
    assert found.pop("ci_low") <= 0.75 <= found.pop("ci_high")
    assert found == {
        "metric": "accuracy",
        "num_examples": 4,
        "score": 0.75,
        "reason": None,
        "secondary": {"macro_f1": pytest.approx((1 + 1 + 2 / 3 + 0) / 4)},
        "majority_class": 0.5,
        "best_epoch": 3,
    }


def test_constant_predictions_have_no_score_and_a_reason() -> None:
    found = scored("sts", [0, 1, 5], [0, 0, 0])
    assert found["reason"] == "undefined: constant predictions"
    assert [found[key] for key in ("score", "ci_low", "ci_high")] == [None, None, None]
    assert found["secondary"] == {"spearman": None}


def test_the_interval_depends_on_the_seed() -> None:
    generator = np.random.default_rng(0)
    labels = generator.random(50)
    predictions = labels + generator.normal(0, 0.3, 50)
    first, again, other = (scored("sts", labels, predictions, seed) for seed in (1, 1, 2))
    assert first == again
    assert first["ci_low"] != pytest.approx(other["ci_low"])


def test_a_failure_keeps_the_old_predictions(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = paths.predictions_csv("sst-finetune", "sst", "dev")
    old.parent.mkdir(parents=True)
    old.write_text("old")
    split = split_of("sst", [[101, 102]] * 4, [0, 1, 2, 3])

    def answers(*_: object) -> Iterator[Answers]:
        yield Answers("dev", split, torch.zeros(4, 5), np.zeros(4), SUMMARY)
        raise TrainingError("a batch does not fit")

    monkeypatch.setattr(scores, "_answers", answers)
    with pytest.raises(TrainingError, match="does not fit"):
        scores.evaluate_run(PARAMS, "sst-finetune", here / "run", here / "backbone")
    assert [path for path in paths.DATA.rglob("*") if path.is_file()] == [old]
    assert old.read_text() == "old"
