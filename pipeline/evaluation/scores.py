"""A trained run's scores on its dev sets, and its predictions for dev and test."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import paths
from pipeline.device import choose_device, make_deterministic, seed_everything
from pipeline.errors import TrainingError
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.evaluation.metrics import majority_class, score, secondary
from pipeline.evaluation.predict import open_examples, open_model, predict
from pipeline.files import read_record, replacing_folder, write_record
from pipeline.inputs import check_inputs
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
    scores = {}
    left_out: dict[CorpusName, dict[str, int]] = {corpus: {} for corpus in run.corpora}
    with replacing_folder(paths.predictions_dir(name)) as folder:
        for split in splits:
            for corpus, part in examples[split].items():
                # those of a model that has learnt nothing would mislead
                known = summary["best_epoch"] > 0
                predictions = (
                    predict(model, part, params.evaluation.batch_size)
                    if known
                    else np.full(len(part.split), np.nan)
                )
                path = folder / paths.predictions_csv(name, corpus, split).name
                left_out[corpus][split] = _write_known(path, part.split, predictions)
                if split == "dev":
                    told = score_corpus(part.split, predictions, params.evaluation, params.seed)
                    if not known:
                        told["reason"] = f"undefined: training stopped, {summary['stopped']}"
                    scores[corpus] = told | {"best_epoch": summary["best_epoch"]}
                    said = told["reason"] or f"{told['score']:.3f}"
                    log.info("%s  %s dev %s", name, corpus, said)
    for corpus, counts in left_out.items():
        scores[corpus]["left_out"] = counts
    write_record(paths.scores_json(name), EVALUATE, {"run": name, "corpora": scores})


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
