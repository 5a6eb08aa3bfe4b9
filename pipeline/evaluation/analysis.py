"""What a score hides: which classes are confused, what confidence is worth, the worst mistakes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import Values
from pipeline.tasks import Corpus

NUM_MISTAKES = 10
NUM_BINS = 10
NUM_DECIMALS = 4  # of what is kept only to be drawn or shown


@dataclass(frozen=True)
class Bin:
    """Examples of like confidence; of similarities, those of like prediction."""

    low: float
    high: float
    count: int
    predicted: float | None  # their mean confidence, or prediction; None without examples
    true: float | None  # the fraction that is right, or the mean label


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction."""

    id: str
    label: float
    prediction: float
    confidence: float | None  # the probability of the predicted class; None of a similarity


@dataclass(frozen=True)
class Analysis:
    """Predictions beside labels, of those predictions that are numbers."""

    confusion: Sequence[Sequence[int]]  # examples by [label][prediction]; empty of similarities
    points: Sequence[tuple[float, float]]  # (label, prediction) of similarities; empty of classes
    bins: Sequence[Bin]
    calibration_error: float | None  # mean over examples of how far their bin is off
    mistakes: Sequence[Mistake]  # the most confident first; of similarities the farthest off
    num_zero: int | None  # similarities that are exactly 0, where the head's ReLU is flat


def analyse(corpus: Corpus, outputs: Values, labels: Values, ids: Values) -> Analysis:
    """Set predictions beside labels.

    Args:
        corpus: says what the outputs are.
        outputs: class probabilities [N, C], or similarities [N]; examples with an output that is
            not finite are left out.
        labels: on the corpus's scale, [N].
        ids: of the examples, [N].
    """
    known = np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1)
    outputs, labels, ids = outputs[known].astype(np.float64), labels[known], ids[known]
    if corpus.has_classes:
        return _of_classes(outputs, labels, ids)
    return _of_similarities(outputs, labels, ids, corpus.max_label)


def _of_classes(probabilities: Values, labels: Values, ids: Values) -> Analysis:
    num_classes = probabilities.shape[1]
    predictions = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predictions == labels
    cells = np.bincount(labels.astype(int) * num_classes + predictions, minlength=num_classes**2)
    bins = list(_bins(confidence, right, 1.0))
    worst = np.argsort(np.where(right, np.inf, -confidence), kind="stable")[: (~right).sum()]
    return Analysis(
        confusion=cells.reshape(num_classes, num_classes).tolist(),
        points=(),
        bins=bins,
        calibration_error=_calibration_error(bins),
        mistakes=[
            Mistake(str(ids[i]), float(labels[i]), float(predictions[i]), _short(confidence[i]))
            for i in worst[:NUM_MISTAKES]
        ],
        num_zero=None,
    )


def _of_similarities(
    predictions: Values, labels: Values, ids: Values, max_label: float
) -> Analysis:
    bins = list(_bins(predictions, labels, max_label))
    worst = np.argsort(-np.abs(predictions - labels), kind="stable")
    return Analysis(
        confusion=(),
        points=[
            (_short(label), _short(prediction))
            for label, prediction in zip(labels, predictions, strict=True)
        ],
        bins=bins,
        calibration_error=_calibration_error(bins),
        mistakes=[
            Mistake(str(ids[i]), _short(labels[i]), _short(predictions[i]), None)
            for i in worst[:NUM_MISTAKES]
            if predictions[i] != labels[i]
        ],
        num_zero=int((predictions == 0).sum()),
    )


def _bins(predicted: Values, true: Values, highest: float) -> Iterator[Bin]:
    """Cut 0 to `highest` into equal bins; what lies above goes into the last."""
    edges = np.linspace(0.0, highest, NUM_BINS + 1)
    places: NDArray[Any] = np.digitize(predicted, edges[1:-1])
    for place in range(NUM_BINS):
        inside = places == place
        count = int(inside.sum())
        yield Bin(
            low=_short(edges[place]),
            high=_short(edges[place + 1]),
            count=count,
            predicted=_short(predicted[inside].mean()) if count else None,
            true=_short(true[inside].mean()) if count else None,
        )


def _calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (Naeini et al. 2015); None without examples."""
    total = sum(bin_.count for bin_ in bins)
    if not total:
        return None
    off = sum(
        bin_.count * abs(bin_.predicted - bin_.true)
        for bin_ in bins
        if bin_.predicted is not None and bin_.true is not None
    )
    return _short(off / total)


def _short(value: Any) -> float:
    return round(float(value), NUM_DECIMALS)
