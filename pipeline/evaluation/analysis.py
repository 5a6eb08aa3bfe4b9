"""What a score hides: which classes are confused, what confidence is worth, the worst mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.tasks import Corpus
from pipeline.heads.metrics import Values

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
    from sklearn.metrics import confusion_matrix

    predictions = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predictions == labels
    worst = np.argsort(np.where(right, np.inf, -confidence), kind="stable")[: (~right).sum()]
    num_classes = probabilities.shape[1]
    confusion = np.zeros((num_classes, num_classes), int)
    if len(labels):  # scikit-learn refuses to count nothing
        confusion = confusion_matrix(labels, predictions, labels=range(num_classes))
    bins = _bins(confidence, right, 1.0)
    return Analysis(
        confusion=confusion.tolist(),
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
    bins = _bins(predictions, labels, max_label)
    worst = np.argsort(-np.abs(predictions - labels), kind="stable")
    return Analysis(
        confusion=(),
        points=list(zip(map(_short, labels), map(_short, predictions), strict=True)),
        bins=bins,
        calibration_error=_calibration_error(bins),
        mistakes=[
            Mistake(str(ids[i]), _short(labels[i]), _short(predictions[i]), None)
            for i in worst[:NUM_MISTAKES]
            if predictions[i] != labels[i]
        ],
        num_zero=int((predictions == 0).sum()),
    )


def _bins(predicted: Values, true: Values, highest: float) -> list[Bin]:
    """Cut 0 to `highest` into equal bins; what lies outside goes into the nearest.

    By scipy: scikit-learn's calibration_curve gives no counts, and knows of classes only.
    """
    from scipy.stats import binned_statistic

    means, edges, places = binned_statistic(
        np.clip(predicted, 0, highest), [predicted, true], bins=NUM_BINS, range=(0, highest)
    )
    counts = np.bincount(places - 1, minlength=NUM_BINS)
    return [
        Bin(
            low=_short(edges[i]),
            high=_short(edges[i + 1]),
            count=int(counts[i]),
            predicted=_short(means[0, i]) if counts[i] else None,
            true=_short(means[1, i]) if counts[i] else None,
        )
        for i in range(NUM_BINS)
    ]


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
