"""Scores of a corpus: the score, its interval, and what stands beside it."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.core import paths
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.errors import TrainingError
from pipeline.evaluation import scores
from pipeline.evaluation.scores import score_corpus
from pipeline.plumbing.params import EvaluationParams, load_params
from pipeline.tokens.token_cache import TokenizedSplit

ROOT = Path(__file__).parents[2]
EVALUATION = EvaluationParams(batch_size=8, bootstrap_resamples=500, confidence=0.95)


def split_of(corpus: CorpusName, labels: list[float]) -> TokenizedSplit:
    count = len(labels) * CORPORA[corpus].task.num_sentences
    return TokenizedSplit(
        CORPORA[corpus],
        np.full(count * 2, 101, dtype=np.int32),
        np.arange(0, count * 2 + 1, 2),
        np.array(labels, dtype=np.float32),
        np.array([f"id-{i}" for i in range(len(labels))]),
        pad_id=0,
    )


def test_accuracy_by_hand() -> None:
    told = score_corpus(split_of("sst", [0, 1, 2, 2]), np.array([0.0, 1, 2, 3]), EVALUATION, seed=1)
    assert told["metric"] == "accuracy"
    assert told["num_examples"] == 4
    assert told["score"] == 0.75
    assert told["ci_low"] <= 0.75 <= told["ci_high"]
    assert told["majority_class"] == 0.5
    assert told["secondary"]["macro_f1"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)
    assert told["reason"] is None


def test_constant_predictions_are_told_as_undefined() -> None:
    told = score_corpus(split_of("sts", [0.0, 1.0, 5.0]), np.zeros(3), EVALUATION, seed=1)
    assert told["score"] is None
    assert told["ci_low"] is None
    assert told["ci_high"] is None
    assert told["reason"] == "undefined: constant predictions"
    assert told["secondary"]["spearman"] is None


def test_interval_follows_the_seed() -> None:
    generator = np.random.default_rng(0)
    labels = generator.random(50).astype(float).tolist()
    predictions = np.array(labels) + generator.normal(0, 0.3, 50)
    first, again, other = (
        score_corpus(split_of("sts", labels), predictions, EVALUATION, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again
    assert not math.isclose(first["ci_low"], other["ci_low"])


def test_a_failure_leaves_the_old_predictions_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = load_params(ROOT / paths.PARAMS)
    monkeypatch.chdir(tmp_path)
    old = paths.predictions_csv("sst-finetune", "sst", "dev")
    old.parent.mkdir(parents=True)
    old.write_text("old")
    examples = {"sst": SimpleNamespace(split=split_of("sst", [0, 1, 2, 3]))}
    answers = iter([torch.zeros(4, 5)])  # for dev, and none for test

    def head_outputs(*_: object) -> torch.Tensor:
        try:
            return next(answers)
        except StopIteration:
            raise TrainingError("a batch does not fit") from None

    for name, replacement in {
        "listed_files": lambda *_: {},
        "open_examples": lambda *_: examples,
        "open_model": lambda *_: nn.Identity(),
        "load_weights": lambda *_: None,
        "read_record": lambda path, schema: {"best_epoch": 1},
        "head_outputs": head_outputs,
    }.items():
        monkeypatch.setattr(scores, name, replacement)
    with pytest.raises(TrainingError, match="does not fit"):
        scores.evaluate_run(params, "sst-finetune", tmp_path / "run", tmp_path / "backbone")
    assert [path for path in paths.DATA.rglob("*") if path.is_file()] == [old]
    assert old.read_text() == "old"
