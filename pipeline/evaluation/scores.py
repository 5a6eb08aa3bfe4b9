"""A trained run's scores on its dev sets, and its predictions for dev and test."""

import logging
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.device import choose_device, seed_everything
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.evaluation.metrics import majority_class, score, secondary
from pipeline.evaluation.predict import open_examples, open_model, predict
from pipeline.files import read_json, replacing_folder, write_json
from pipeline.inputs import check_inputs
from pipeline.model.weights import load_weights
from pipeline.params import EvaluationParams, Params
from pipeline.speed import kernels_on
from pipeline.tasks import Corpus, Split
from pipeline.tokens.token_cache import TokenizedSplit

log = logging.getLogger(__name__)


def evaluate_run(params: Params, name: str, run_dir: Path, backbone_dir: Path) -> None:
    """Score a run on its dev sets, and write its predictions for dev and test.

    Scores go to `paths.scores_json(name)`, predictions to `paths.predictions_dir(name)`.

    Raises:
        TrainingError: the run's weights or what it reads are missing, damaged or changed.
    """
    run = params.run(name)
    check_inputs(paths.inputs_json(name))
    device = choose_device(params.device)
    seed_everything(params.seed)
    splits: tuple[Split, ...] = ("dev", "test")
    examples = {split: open_examples(run, split, device) for split in splits}
    kernels = kernels_on(device, params.speed.forward)
    model = open_model(run, examples["dev"], kernels, backbone_dir)
    load_weights(model, paths.run_weights(run_dir))
    model.to(device)
    best_epoch = read_json(paths.run_summary(run_dir))["best_epoch"]
    scores = {}
    with replacing_folder(paths.predictions_dir(name)) as folder:
        for split in splits:
            for corpus, part in examples[split].items():
                predictions = predict(model, part, params.evaluation.batch_size)
                path = folder / paths.predictions_csv(name, corpus, split).name
                ids = part.split.example_ids.tolist()
                write_predictions(path, ids, predictions.tolist(), part.split.corpus)
                if split == "dev":
                    told = score_corpus(part.split, predictions, params.evaluation, params.seed)
                    scores[corpus] = told | {"best_epoch": best_epoch}
                    said = told["reason"] or f"{told['score']:.3f}"
                    log.info("%s  %s dev %s", name, corpus, said)
    write_json(paths.scores_json(name), {"run": name, "corpora": scores})


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
