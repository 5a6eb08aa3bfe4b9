"""Is one model better than another, or did the draw of dev examples favour it?

Both models answered the same examples, so each resample of them scores both: what makes an example
hard for the two alike cancels, and the difference is known better than either score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.tasks import Metric
from pipeline.evaluation.intervals import CELLS, ROUNDING, percentiles, standardized
from pipeline.heads.metrics import METRICS, Values


@dataclass(frozen=True)
class Difference:
    """The second score less the first."""

    value: float
    ci_low: float
    ci_high: float
    p_value: float  # how often chance alone would give a difference as large, either way


def paired_bootstrap(
    metric: Metric,
    predictions: tuple[Values, Values],
    labels: Values,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference | None:
    """Return how far two models' scores lie apart, or None where either is undefined.

    The interval is the percentile one. The p-value is the part of resamples whose difference lies
    at least as far from the one observed as that lies from zero (Berg-Kirkpatrick, Burkett and
    Klein 2012, two-sided); it is never 0, since no number of resamples can show that.

    Args:
        metric: what is computed on each resample.
        predictions: of either model, classes as whole numbers, or similarities, [N] each.
        labels: likewise.
        resamples: how often N examples are drawn.
        confidence: the fraction of resamples inside the interval, 0 to 1.
        seed: of the draws.
    """
    before, after = (METRICS[metric](each, labels).value for each in predictions)
    if before is None or after is None:
        return None
    observed = after - before
    generator = np.random.default_rng(seed)
    if metric == "accuracy":
        first, second = (each == labels for each in predictions)
        values = _accuracy_differences(first, second, resamples, generator)
    else:
        columns = np.stack([standardized(each) for each in (*predictions, labels)], axis=1)
        values = _pearson_differences(columns, resamples, generator)
    values = values[np.isfinite(values)]
    interval = percentiles(values, confidence)
    if interval is None:
        return None
    as_far = np.abs(values - observed) >= abs(observed) - ROUNDING  # equal but for rounding
    p_value = (1 + as_far.sum()) / (1 + len(values))
    return Difference(observed, *interval, float(p_value))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for how many there are (Holm 1979), in the order given.

    Calling real what stays below 0.05 calls anything real that is not in 5 % of pages at most.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _accuracy_differences(
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    resamples: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the accuracies' difference in each resample, from who is right, bool [N].

    Only examples of which one model alone is right count. How many of each kind are among N drawn
    of N *is* a multinomial draw.
    """
    counts = np.array([np.sum(second & ~first), np.sum(first & ~second), np.sum(first == second)])
    drawn = generator.multinomial(len(first), counts / len(first), size=resamples)
    return np.asarray((drawn[:, 0] - drawn[:, 1]) / len(first))


def _pearson_differences(
    columns: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the correlations' difference in each resample; NaN where one is undefined in it.

    Columns are either model's predictions and the labels, [N, 3].
    """
    size = len(columns)
    products = columns[:, :2] * columns[:, 2:]
    columns = np.concatenate([columns, columns**2, products], axis=1)
    at_once = max(1, CELLS // size)
    means = np.concatenate(
        [
            generator.multinomial(size, np.full(size, 1 / size), min(at_once, resamples - start))
            @ columns
            / size
            for start in range(0, resamples, at_once)
        ]
    )  # [resamples, 8]: of first, second and labels, of their squares, of either times labels
    variances = means[:, 3:6] - means[:, :3] ** 2
    variances[variances <= ROUNDING * means[:, 3:6]] = np.nan  # constant in that resample
    covariances = means[:, 6:] - means[:, :2] * means[:, 2:3]
    correlations = covariances / np.sqrt(variances[:, :2] * variances[:, 2:])
    return np.asarray(correlations[:, 1] - correlations[:, 0])
