"""The metrics (section 5.2), and the reasons why a score is undefined.

scikit-learn and scipy compute the scores. A dead head predicts the same value for every example, so
its Pearson correlation would divide by zero (the paper's NaN). Such a score is reported as
undefined, with a reason; it neither becomes 0 nor raises an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.tasks import Corpus, Metric

# functions import scikit-learn and scipy: this takes a second, and most stages compute no scores

Values = NDArray[Any]  # one number per example, [N]

# A range below this fraction of the largest absolute value is a rounding error. scipy warns that
# values are nearly constant, and their correlation unreliable, below 1.8e-12 of the mean.
ROUNDING = 3e-12

NO_EXAMPLES = "undefined: no examples"
NOT_FINITE = "undefined: predictions are not finite"
CONSTANT_PREDICTIONS = "undefined: constant predictions"
CONSTANT_LABELS = "undefined: constant labels"


@dataclass(frozen=True)
class Score:
    """The value of a metric, or the reason why it is undefined."""

    value: float | None
    reason: str | None


def accuracy(predictions: Values, labels: Values) -> Score:
    """Return the fraction of predictions that equal their label (Equation 2)."""
    from sklearn.metrics import accuracy_score

    reason = _unusable(predictions, labels)
    return Score(None, reason) if reason else Score(accuracy_score(labels, predictions), None)


def macro_f1(predictions: Values, labels: Values) -> Score:
    """Return the mean F1 over the classes that occur in the labels or predictions."""
    from sklearn.metrics import f1_score

    reason = _unusable(predictions, labels)
    if reason:
        return Score(None, reason)
    return Score(float(f1_score(labels, predictions, average="macro")), None)


def pearson(predictions: Values, labels: Values) -> Score:
    """Return the Pearson correlation of predictions and labels, -1 to 1."""
    from scipy.stats import pearsonr

    return _correlation(pearsonr, predictions, labels)


def spearman(predictions: Values, labels: Values) -> Score:
    """Return Spearman's rank correlation of predictions and labels; ties get their mean rank."""
    from scipy.stats import spearmanr

    return _correlation(spearmanr, predictions, labels)


def majority_class(labels: Values) -> float | None:
    """Return the accuracy of always predicting the most common label; None without examples."""
    _, counts = np.unique(labels, return_counts=True)
    return float(counts.max() / len(labels)) if len(labels) else None


METRICS: Mapping[Metric, Callable[[Values, Values], Score]] = {
    "accuracy": accuracy,
    "pearson": pearson,
}


def score(corpus: Corpus, predictions: Values, labels: Values) -> Score:
    """Return the score in the corpus's metric; predictions and labels are on its scale, [N]."""
    return METRICS[corpus.task.metric](predictions, labels)


def _correlation(correlate: Callable[..., Any], predictions: Values, labels: Values) -> Score:
    reason = _unusable(predictions, labels)
    # given float32, scipy would also compute in float32
    sides = [np.asarray(side, dtype=np.float64) for side in (predictions, labels)]
    for side, constant in zip(sides, (CONSTANT_PREDICTIONS, CONSTANT_LABELS), strict=True):
        if not reason and np.ptp(side) <= ROUNDING * np.abs(side).max():
            reason = constant
    return Score(None, reason) if reason else Score(float(correlate(*sides).statistic), None)


def _unusable(predictions: Values, labels: Values) -> str | None:
    """Return why no score can be computed, or None if one can."""
    if predictions.shape != labels.shape or predictions.ndim != 1:
        raise ValueError(f"predictions {predictions.shape} and labels {labels.shape} must be [N]")
    if not np.isfinite(labels).all():
        raise ValueError("labels are not finite: is this an unlabeled split?")
    if not len(labels):
        return NO_EXAMPLES
    return None if np.isfinite(predictions).all() else NOT_FINITE
