"""A trained run's scores on its dev sets, and its predictions for dev and test."""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import paths
from pipeline.device import choose_device, make_deterministic, seed_everything
from pipeline.errors import TrainingError
from pipeline.evaluation.analysis import analyse
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.evaluation.metrics import majority_class, score, secondary
from pipeline.evaluation.predict import head_outputs, in_double, open_examples, open_model
from pipeline.files import read_record, replacing_folder, sha256_of, write_record
from pipeline.inputs import check_inputs
from pipeline.model.heads import predictions_of, probabilities_of
from pipeline.model.weights import load_weights
from pipeline.params import EvaluationParams, Params
from pipeline.schemas import EVALUATE, TRAIN
from pipeline.speed import kernels_on
from pipeline.tasks import Corpus, CorpusName, Split
from pipeline.tokens.token_cache import TokenizedSplit

log = logging.getLogger(__name__)


def evaluate_run(params: Params, name: str, run_dir: Path, backbone_dir: Path) -> None:
    """Score a run on its dev sets, and write its predictions for dev and test.

    Scores go to `paths.scores_json(name)`, predictions to `paths.predictions_dir(name)`.

    Raises:
        TrainingError: the run's weights or what it reads are missing, damaged or changed.
        SchemaError: they are of another version.
    """
    run = params.run(name)
    check_inputs(paths.inputs_json(name))
    device = choose_device(params.device)
    make_deterministic(device)
    seed_everything(params.seed)
    splits: tuple[Split, ...] = ("dev", "test")
    examples = {split: open_examples(run, split, device) for split in splits}
    kernels = kernels_on(device, params.speed.forward)
    model = open_model(run, examples["dev"], kernels, backbone_dir)
    load_weights(model, paths.run_weights(run_dir))
    model.to(device)
    summary = _summary(paths.run_summary(run_dir))
    scores: dict[CorpusName, dict[str, Any]] = {}
    left_out: dict[CorpusName, dict[str, int]] = {corpus: {} for corpus in run.corpora}
    with replacing_folder(paths.predictions_dir(name)) as folder:
        for split in splits:
            for corpus, part in examples[split].items():
                outputs = head_outputs(model, part, params.evaluation.batch_size)
                if not summary["best_epoch"]:  # what has learnt nothing would mislead
                    outputs = torch.full_like(outputs, math.nan)
                predictions = in_double(predictions_of(part.split.corpus, outputs))
                path = folder / paths.predictions_csv(name, corpus, split).name
                left_out[corpus][split] = _write_known(path, part.split, predictions)
                if split == "dev":
                    told = score_corpus(part.split, predictions, params.evaluation, params.seed)
                    scores[corpus] = told | _beside(part.split, outputs, summary)
                    said = scores[corpus]["reason"] or f"{told['score']:.3f}"
                    log.info("%s  %s dev %s", name, corpus, said)
    for corpus, counts in left_out.items():
        scores[corpus]["left_out"] = counts
    weights = sha256_of(paths.run_weights(run_dir))
    record = {"run": name, "corpora": scores, "weights_sha256": weights}
    write_record(paths.scores_json(name), EVALUATE, record)


def _beside(split: TokenizedSplit, outputs: Tensor, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Say what stands beside a score: its epoch, and what it hides."""
    corpus = split.corpus
    known = probabilities_of(corpus, outputs) if corpus.has_classes else outputs
    analysis = analyse(corpus, in_double(known), split.labels, split.example_ids)
    told = {"best_epoch": summary["best_epoch"], "analysis": asdict(analysis)}
    if not summary["best_epoch"]:
        told["reason"] = f"undefined: training stopped, {summary['stopped']}"
    return told


def _summary(path: Path) -> dict[str, Any]:
    """Read what a run says of itself."""
    try:
        return read_record(path, TRAIN)
    except (OSError, ValueError):
        raise TrainingError(f"{path} is missing or damaged; run `dvc repro`") from None


def _write_known(path: Path, split: TokenizedSplit, predictions: Any) -> int:
    """Write the predictions that are numbers, float [N]; return how many are not."""
    known = np.isfinite(predictions)
    ids = split.example_ids[known].tolist()
    write_predictions(path, ids, predictions[known].tolist(), split.corpus)
    left_out = int((~known).sum())
    if left_out:
        log.warning("%s: %d of %d predictions are no numbers", path.name, left_out, len(known))
    return left_out


def score_corpus(
    split: TokenizedSplit, predictions: Any, evaluation: EvaluationParams, seed: int
) -> dict[str, Any]:
    """Score predictions, float [N], against a labelled split; undefined is None with a reason."""
    corpus: Corpus = split.corpus
    labels = split.labels
    result = score(corpus, predictions, labels)
    interval = None
    if result.value is not None:
        interval = bootstrap_interval(
            corpus.task.metric,
            predictions,
            labels,
            resamples=evaluation.bootstrap_resamples,
            confidence=evaluation.confidence,
            seed=seed,
        )
    low, high = interval or (None, None)
    beside = {key: value.value for key, value in secondary(corpus, predictions, labels).items()}
    return {
        "metric": corpus.task.metric,
        "num_examples": len(split),
        "score": result.value,
        "ci_low": low,
        "ci_high": high,
        "reason": result.reason,
        "secondary": beside,
        "majority_class": majority_class(labels).value if corpus.has_classes else None,
    }
