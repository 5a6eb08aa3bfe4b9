"""Scores a trained run on its dev sets, and writes its predictions for dev and test."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.core import paths
from pipeline.core.files import replacing_folder, sha256_of
from pipeline.core.records import Analysis, CorpusScores, DevScore, RunScores, RunSummary
from pipeline.core.tasks import CorpusName, Split
from pipeline.encoder.device import choose_device, make_deterministic
from pipeline.encoder.kernels import kernels_on
from pipeline.encoder.weights import load_weights
from pipeline.errors import TrainingError
from pipeline.evaluation.analysis import analyze
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.heads.examples import open_examples, open_model
from pipeline.heads.metrics import macro_f1, majority_class, score, spearman
from pipeline.heads.model import predictions_of, probabilities_of
from pipeline.heads.predict import head_outputs, in_double
from pipeline.plumbing.params import Params
from pipeline.tokens.inputs import check_files, listed_files
from pipeline.tokens.token_cache import TokenizedSplit

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answers:
    """The outputs and predictions of a trained run for one split of a corpus."""

    name: Split
    split: TokenizedSplit
    outputs: Tensor  # of the head; NaN if the run finished no epoch
    predictions: NDArray[np.float64]  # [N]
    summary: RunSummary


def evaluate_run(params: Params, name: str, run_dir: Path, backbone_dir: Path) -> None:
    """Score a run on its dev sets, and write its predictions for dev and test.

    Scores go to `paths.scores_json(name)`, predictions to `paths.predictions_dir(name)`.

    Raises:
        TrainingError: the weights or the inputs of the run are missing, damaged or changed.
        SchemaError: another version of this project wrote them.
    """
    inputs = paths.inputs_json(name)
    scored: dict[CorpusName, tuple[DevScore, Analysis]] = {}
    left_out: dict[CorpusName, dict[Split, int]] = {c: {} for c in params.run(name).corpora}
    with replacing_folder(paths.predictions_dir(name)) as folder:
        for each in _answers(params, name, inputs, run_dir, backbone_dir, ("dev", "test")):
            split, corpus, known = each.split, each.split.corpus, each.outputs
            path = folder / paths.predictions_csv(name, corpus.name, each.name).name
            left_out[corpus.name][each.name] = _write_known(path, split, each.predictions)
            if each.name == "dev":
                if corpus.has_classes:
                    known = probabilities_of(corpus, known)
                analysis = analyze(corpus, in_double(known), split.labels, split.example_ids)
                scored[corpus.name] = score_answers(params, each), analysis
    record = RunScores(
        run=name,
        corpora={
            corpus: CorpusScores(**dict(dev), analysis=analysis, left_out=left_out[corpus])
            for corpus, (dev, analysis) in scored.items()
        },
        weights_sha256=sha256_of(run_dir / paths.WEIGHTS),
    )
    record.write(paths.scores_json(name))


def score_dev(
    params: Params, name: str, inputs: Path, run_dir: Path, backbone_dir: Path
) -> dict[CorpusName, DevScore]:
    """Return the dev scores of a run, without reading a test set or writing a file.

    Raises:
        TrainingError, SchemaError: as for `evaluate_run`.
    """
    answers = _answers(params, name, inputs, run_dir, backbone_dir, ("dev",))
    return {each.split.corpus.name: score_answers(params, each) for each in answers}


def _answers(
    params: Params,
    name: str,
    inputs: Path,
    run_dir: Path,
    backbone_dir: Path,
    splits: Sequence[Split],
) -> Iterator[Answers]:
    """Yield the answers of a trained run for some splits of its corpora."""
    run = params.run(name)
    check_files(listed_files(inputs, run.pair_encoding))
    device = choose_device(params.device)
    make_deterministic(device)
    torch.manual_seed(params.seed)
    examples = {split: open_examples(run, split, device) for split in splits}
    kernels = kernels_on(device, params.speed.forward)
    model = open_model(run, examples["dev"], kernels, backbone_dir)
    load_weights(model, run_dir / paths.WEIGHTS)
    model.to(device)
    summary = read_summary(run_dir / paths.RUN_SUMMARY)
    for split in splits:
        for part in examples[split].values():
            outputs = head_outputs(model, part, params.evaluation.batch_size)
            if not summary.best_epoch:  # predictions of the initial weights would mislead
                outputs = torch.full_like(outputs, math.nan)
            predictions = in_double(predictions_of(part.split.corpus, outputs))
            yield Answers(split, part.split, outputs, predictions, summary)


def score_answers(params: Params, answers: Answers) -> DevScore:
    """Score the answers for a labeled split; if the score is undefined, give the reason."""
    corpus, labels, summary = answers.split.corpus, answers.split.labels, answers.summary
    result, reason = score(corpus, answers.predictions, labels), None
    if not summary.best_epoch:
        reason = f"undefined: training stopped, {summary.stopped}"
    interval = bootstrap_interval(
        corpus.task.metric,
        answers.predictions,
        labels,
        resamples=params.evaluation.bootstrap_resamples,
        confidence=params.evaluation.confidence,
        seed=params.seed,
    )
    low, high = interval or (None, None)
    further = {"macro_f1": macro_f1} if corpus.has_classes else {"spearman": spearman}
    scored = DevScore(
        metric=corpus.task.metric,
        num_examples=len(answers.split),
        score=result.value,
        ci_low=low,
        ci_high=high,
        reason=reason or result.reason,
        secondary={
            name: metric(answers.predictions, labels).value for name, metric in further.items()
        },
        majority_class=majority_class(labels) if corpus.has_classes else None,
        best_epoch=summary.best_epoch,
    )
    log.info("%s  %s dev %s", summary.run, corpus.name, scored.reason or f"{scored.score:.3f}")
    return scored


def read_summary(path: Path) -> RunSummary:
    """Read the run.json of a run."""
    try:
        return RunSummary.read(path)
    except (OSError, ValueError):
        raise TrainingError(f"{path} is missing or damaged; run `dvc repro`") from None


def _write_known(path: Path, split: TokenizedSplit, predictions: Any) -> int:
    """Write the finite predictions among these, float [N]; return how many are not finite."""
    known = np.isfinite(predictions)
    ids = split.example_ids[known].tolist()
    write_predictions(path, ids, predictions[known].tolist(), split.corpus)
    left_out = int((~known).sum())
    if left_out:
        log.warning("%s: %d of %d predictions are not finite", path.name, left_out, len(known))
    return left_out
