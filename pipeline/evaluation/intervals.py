"""Percentile bootstrap intervals: how much a score depends on the choice of dev examples.

A dev set is only one sample. Resampling it many times, with replacement, shows how much the score
would vary between samples.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.core.tasks import Metric
from pipeline.heads.metrics import METRICS, Values

Means = NDArray[np.float64]  # one mean for each resample
CELLS = 1 << 20  # resamples x examples held in memory at once, 8 bytes each

# A variance below this fraction of the mean square is a rounding error: the resample is constant.
ROUNDING = 1e-12


def bootstrap_interval(
    metric: Metric,
    predictions: Values,
    labels: Values,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> tuple[float, float] | None:
    """Return the percentile interval of a metric, or None if its score is undefined.

    Resamples in which the metric is undefined are left out.

    Args:
        metric: the metric of each resample.
        predictions: classes as whole numbers, or similarities, [N].
        labels: the labels on the same scale, [N].
        resamples: number of resamples of N examples.
        confidence: the fraction of resamples inside the interval, 0 to 1.
        seed: the seed of the resampling.
    """
    if METRICS[metric](predictions, labels).value is None:
        return None
    generator = np.random.default_rng(seed)
    if metric == "accuracy":
        # the number of correct examples among N drawn with replacement is binomial
        correct = predictions == labels
        values = generator.binomial(len(correct), correct.mean(), resamples) / len(correct)
    else:
        values = _pearsons(standardized(predictions), standardized(labels), resamples, generator)
    return percentiles(values[np.isfinite(values)], confidence)


def percentiles(values: NDArray[np.float64], confidence: float) -> tuple[float, float] | None:
    """Return the bounds of the central interval with the fraction `confidence` of the values."""
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def standardized(values: Values) -> NDArray[np.float64]:
    """Shift and scale values to mean 0 and variance 1; they must not all be equal."""
    centered = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    return np.asarray(centered / np.sqrt(np.mean(centered**2)))


def _pearsons(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    resamples: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the correlation of x and y in each resample; NaN if either is constant."""
    columns = np.stack([x, y, x * x, y * y, x * y], axis=1)  # [N, 5]
    sums = [counts @ columns for counts in _resampled_counts(len(x), resamples, generator)]
    return correlations(*np.concatenate(sums).T / len(x))


def correlations(x: Means, y: Means, xx: Means, yy: Means, xy: Means) -> Means:
    """Return correlations from means of values, squares and products; NaN if x or y is constant."""
    var_x, var_y = xx - x**2, yy - y**2
    is_constant = (var_x <= ROUNDING * xx) | (var_y <= ROUNDING * yy)
    product = np.where(is_constant, np.nan, var_x * var_y)
    return np.asarray(np.clip((xy - x * y) / np.sqrt(product), -1.0, 1.0))


def _resampled_counts(
    num_examples: int, resamples: int, generator: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each resample draws each example, in parts, [R, N], of at most `CELLS`."""
    at_once = max(1, CELLS // num_examples)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = generator.integers(num_examples, size=(rows, num_examples))
        drawn += num_examples * np.arange(rows)[:, None]  # each row gets its own cells
        counts = np.bincount(drawn.ravel(), minlength=rows * num_examples)
        yield counts.reshape(rows, num_examples).astype(np.float64)
