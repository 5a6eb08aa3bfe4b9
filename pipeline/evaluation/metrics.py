"""How good predictions are (section 5.2), and when no number can say.

A dead head predicts one value for every example; its Pearson correlation divides by zero (the
paper's NaN). Such a score is undefined, with a reason: neither 0 nor a crash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.tasks import Corpus, Metric

Values = NDArray[Any]  # one number an example, [N]
Secondary = Literal["macro_f1", "spearman"]

# A spread below this part of the largest value is float64's rounding and no difference at all.
ROUNDING = 1e-13

NO_EXAMPLES = "undefined: no examples"
NOT_FINITE = "undefined: predictions are not finite"
CONSTANT_PREDICTIONS = "undefined: constant predictions"
CONSTANT_LABELS = "undefined: constant labels"


@dataclass(frozen=True)
class Score:
    """A metric's value, or the reason why it has none."""

    value: float | None
    reason: str | None


def accuracy(predictions: Values, labels: Values) -> Score:
    """Return the fraction of predictions that equal their label (Equation 2)."""
    reason = _unusable(predictions, labels)
    return Score(None, reason) if reason else _defined(np.mean(predictions == labels))


def macro_f1(predictions: Values, labels: Values) -> Score:
    """Return the mean F1 of the classes that occur among labels or predictions."""
    reason = _unusable(predictions, labels)
    if reason:
        return Score(None, reason)
    f1 = [
        # 2 true positives / (2 true positives + false positives + false negatives)
        2
        * np.sum((predictions == label) & (labels == label))
        / (np.sum(predictions == label) + np.sum(labels == label))
        for label in np.union1d(predictions, labels)
    ]
    return _defined(np.mean(f1))


def pearson(predictions: Values, labels: Values) -> Score:
    """Return the Pearson correlation of predictions and labels, -1 to 1."""
    reason = _unusable(predictions, labels)
    if not reason and _is_constant(predictions):
        reason = CONSTANT_PREDICTIONS
    if not reason and _is_constant(labels):
        reason = CONSTANT_LABELS
    if reason:
        return Score(None, reason)
    x, y = standardized(predictions), standardized(labels)
    return _defined(np.clip(np.mean(x * y), -1.0, 1.0))


def spearman(predictions: Values, labels: Values) -> Score:
    """Return the Pearson correlation of ranks, ties given their mean rank."""
    from scipy.stats import rankdata  # takes half a second, and only evaluation comes here

    reason = _unusable(predictions, labels)  # before ranks, which hide what is not finite
    return Score(None, reason) if reason else pearson(rankdata(predictions), rankdata(labels))


def majority_class(labels: Values) -> Score:
    """Return the accuracy of always predicting the commonest label."""
    if not len(labels):
        return Score(None, NO_EXAMPLES)
    _, counts = np.unique(labels, return_counts=True)
    return _defined(counts.max() / len(labels))


METRICS: Mapping[Metric, Callable[[Values, Values], Score]] = {
    "accuracy": accuracy,
    "pearson": pearson,
}


def score(corpus: Corpus, predictions: Values, labels: Values) -> Score:
    """Return the score under the corpus's own metric.

    Args:
        corpus: says which metric.
        predictions: classes as whole numbers, or similarities, [N].
        labels: likewise.
    """
    return METRICS[corpus.task.metric](predictions, labels)


def secondary(corpus: Corpus, predictions: Values, labels: Values) -> dict[Secondary, Score]:
    """Return the score shown beside the corpus's own metric, by its name."""
    if corpus.has_classes:
        return {"macro_f1": macro_f1(predictions, labels)}
    return {"spearman": spearman(predictions, labels)}


def standardized(values: Values) -> NDArray[np.float64]:
    """Shift and scale values, not all equal, to mean 0 and variance 1."""
    scaled = _scaled(values)
    centred = _scaled(scaled - scaled.mean())
    return np.asarray(centred / np.sqrt(np.mean(centred**2)))


def _defined(value: Any) -> Score:
    return Score(float(value), None)


def _unusable(predictions: Values, labels: Values) -> str | None:
    """Return why nothing can be computed from these predictions, if so."""
    if predictions.shape != labels.shape or predictions.ndim != 1:
        raise ValueError(f"predictions {predictions.shape} and labels {labels.shape} must be [N]")
    if not np.isfinite(labels).all():
        raise ValueError("labels are not finite: is this an unlabelled split?")
    if not len(labels):
        return NO_EXAMPLES
    return None if np.isfinite(predictions).all() else NOT_FINITE


def _is_constant(values: Values) -> bool:
    return bool(np.ptp(_scaled(values)) <= ROUNDING)


def _scaled(values: Values) -> NDArray[np.float64]:
    """Divide by the largest value, lest squares and differences leave float64's range."""
    exact = np.asarray(values, dtype=np.float64)
    return np.asarray(exact / (np.abs(exact).max() or 1.0))
