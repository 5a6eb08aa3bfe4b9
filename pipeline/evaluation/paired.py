"""Paired bootstrap: is one model better than another, or did the dev examples favor it?

Both models predict the same examples, so each resample scores both. Whatever makes an example
hard for both models cancels out, so the difference is known more precisely than either score.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.records import Difference
from pipeline.core.tasks import Metric
from pipeline.evaluation.intervals import CELLS, ROUNDING, correlations, percentiles, standardized
from pipeline.heads.metrics import METRICS, Values


def paired_bootstrap(
    metric: Metric,
    predictions: tuple[Values, Values],
    labels: Values,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference | None:
    """Return the difference between two models' scores, or None if a score is undefined.

    The interval is a percentile interval. The p-value is two-sided (Berg-Kirkpatrick, Burkett and
    Klein 2012): the fraction of resamples whose difference is at least as far from the observed
    one as the latter is from 0. It is never 0, because no number of resamples could show that.

    Args:
        metric: the metric of each resample.
        predictions: both models' classes as whole numbers, or similarities, [N] each.
        labels: the labels on the same scale, [N].
        resamples: number of resamples of N examples.
        confidence: the fraction of resamples inside the interval, 0 to 1.
        seed: the seed of the resampling.
    """
    before, after = (METRICS[metric](each, labels).value for each in predictions)
    if before is None or after is None:
        return None
    observed = after - before
    generator = np.random.default_rng(seed)
    if metric == "accuracy":
        # only examples that exactly one model gets right matter; their counts are multinomial
        first, second = (each == labels for each in predictions)
        shares = np.mean([second & ~first, first & ~second, first == second], axis=1)
        gained, lost, _ = generator.multinomial(len(labels), shares, resamples).T
        values = (gained - lost) / len(labels)
    else:
        columns = np.stack([standardized(each) for each in (*predictions, labels)], axis=1)
        values = _pearson_differences(columns, resamples, generator)
    values = values[np.isfinite(values)]
    interval = percentiles(values, confidence)
    if interval is None:
        return None
    as_far = np.abs(values - observed) >= abs(observed) - ROUNDING  # equal up to rounding
    p_value = (1 + as_far.sum()) / (1 + len(values))
    return Difference(observed, *interval, float(p_value))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons (Holm 1979); return them in the given order.

    If everything below 0.05 is called significant, at most 5% of pages contain a false claim.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _pearson_differences(
    columns: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the difference of the two correlations in each resample; NaN if one is undefined.

    The columns, [N, 3], are the predictions of both models and the labels.
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
    )
    one, two, label, ones, twos, labels, one_label, two_label = means.T  # [resamples] each
    before = correlations(one, label, ones, labels, one_label)
    return correlations(two, label, twos, labels, two_label) - before
