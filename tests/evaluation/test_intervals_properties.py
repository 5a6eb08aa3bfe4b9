"""bootstrap_interval: what holds of every interval, whatever the examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.evaluation.metrics import METRICS, Values
from pipeline.tasks import Metric

Sample = tuple[Metric, Values, Values]
SEEDS = st.integers(0, 2**32 - 1)
CONFIDENCES = st.floats(0.5, 1.0, exclude_min=True, exclude_max=True)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Return a metric and what it is computed of: classes, or similarities with ties."""
    metric = draw(st.sampled_from(list(METRICS)))
    number = st.integers(0, 4) if metric == "accuracy" else st.floats(0, 5, width=32)
    values = st.lists(st.tuples(number, st.integers(0, 4)), max_size=40)
    table = np.array(draw(values), dtype=np.float32).reshape(-1, 2)
    return metric, table[:, 0], table[:, 1]


def interval_of(sample: Sample, confidence: float, seed: int) -> tuple[float, float] | None:
    return bootstrap_interval(*sample, resamples=200, confidence=confidence, seed=seed)


@given(samples(), CONFIDENCES, SEEDS)
def test_interval_is_ordered_inside_the_metrics_range_and_the_same_again(
    sample: Sample, confidence: float, seed: int
) -> None:
    found = interval_of(sample, confidence, seed)
    assert found == interval_of(sample, confidence, seed)
    metric, predictions, labels = sample
    if METRICS[metric](predictions, labels).value is None:
        assert found is None
    elif found:  # no resample may have a score where two values are of forty
        lowest = 0.0 if metric == "accuracy" else -1.0
        assert lowest <= found[0] <= found[1] <= 1.0


@given(samples(), CONFIDENCES, CONFIDENCES, SEEDS)
def test_more_confidence_holds_the_interval_of_less(
    sample: Sample, one: float, other: float, seed: int
) -> None:
    less, more = (interval_of(sample, c, seed) for c in sorted([one, other]))
    if less and more:
        assert more[0] <= less[0] + 1e-12
        assert less[1] <= more[1] + 1e-12


@given(st.integers(1, 300), st.data(), SEEDS)
def test_accuracy_interval_holds_the_accuracy(count: int, data: st.DataObject, seed: int) -> None:
    """A binomial draw is on either side of its mean, or on it, at least every fourth time."""
    correct = np.arange(count) < data.draw(st.integers(0, count))
    low, high = interval_of(("accuracy", correct, np.ones(count, bool)), 0.9, seed) or (1, 0)
    assert low <= correct.mean() <= high


@given(st.integers(30, 200), st.floats(-1, 1), SEEDS)
def test_pearson_interval_holds_the_correlation_of_normal_values(
    count: int, correlation: float, seed: int
) -> None:
    """No law: values with one far from all others can have most resamples on one side."""
    x, noise = np.random.default_rng(seed).normal(size=(2, count))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    value = METRICS["pearson"](x, y).value
    low, high = interval_of(("pearson", x, y), 0.95, seed) or (1, 0)
    assert value is not None
    assert low - 1e-12 <= value <= high + 1e-12


@given(samples(), st.integers(-60, 60), SEEDS)
def test_interval_of_a_correlation_knows_neither_scale_nor_sides(
    sample: Sample, exponent: int, seed: int
) -> None:
    _, predictions, labels = sample
    scaled = np.ldexp(predictions.astype(np.float64), exponent)
    found = interval_of(("pearson", predictions, labels), 0.95, seed)
    for other in (("pearson", scaled, labels), ("pearson", labels, predictions)):
        again = interval_of(other, 0.95, seed)
        assert (found is None) == (again is None)
        if found and again:
            assert again == pytest.approx(found, abs=1e-9)
