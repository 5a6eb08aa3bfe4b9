"""bootstrap_interval: compared with theory and scipy, and properties of every interval."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.core.tasks import Metric
from pipeline.evaluation import intervals
from pipeline.evaluation.intervals import bootstrap_interval
from pipeline.heads.metrics import METRICS, Values

interval_95 = partial(bootstrap_interval, resamples=4000, confidence=0.95, seed=11711)
Sample = tuple[Metric, Values, Values]
SEEDS = st.integers(0, 2**32 - 1)
CONFIDENCES = st.floats(0.5, 1.0, exclude_min=True, exclude_max=True)


def correlated(num_examples: int, correlation: float) -> tuple[Values, Values]:
    """Return normal values with exactly the given sample correlation."""
    x, noise = np.random.default_rng(0).normal(size=(2, num_examples))
    x = (x - x.mean()) / x.std()
    noise -= noise.mean()
    noise -= x * (noise @ x) / num_examples
    noise /= noise.std()
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


def guesses(num_examples: int, num_correct: int) -> tuple[Values, Values]:
    return (np.arange(num_examples) < num_correct).astype(int), np.ones(num_examples, dtype=int)


@pytest.mark.parametrize(("num_examples", "num_correct"), [(1101, 352), (245, 169), (4212, 2990)])
def test_the_accuracy_interval_is_binomial(num_examples: int, num_correct: int) -> None:
    low, high = interval_95("accuracy", *guesses(num_examples, num_correct))
    binomial = stats.binom(num_examples, num_correct / num_examples)
    assert low == pytest.approx(binomial.ppf(0.025) / num_examples, abs=0.003)
    assert high == pytest.approx(binomial.ppf(0.975) / num_examples, abs=0.003)


def test_the_pearson_interval_equals_scipys_bootstrap() -> None:
    x, y = correlated(40, 0.6)
    expected = stats.bootstrap(
        (x, y),
        lambda a, b, axis: stats.pearsonr(a, b, axis=axis).statistic,
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    found = bootstrap_interval("pearson", x, y, resamples=20_000, confidence=0.95, seed=1)
    assert found == pytest.approx((expected.low, expected.high), abs=0.01)


@pytest.mark.parametrize(
    ("metric", "predictions", "labels"),
    [
        ("pearson", np.zeros(5), np.arange(5.0)),
        ("pearson", np.arange(5.0), np.full(5, 0.1)),
        ("pearson", np.array([1.0, np.nan, 2.0]), np.arange(3.0)),
        ("pearson", np.zeros(0), np.zeros(0)),
        ("accuracy", np.zeros(0), np.zeros(0)),
    ],
)
def test_an_undefined_score_has_no_interval(
    metric: Metric, predictions: Values, labels: Values
) -> None:
    assert interval_95(metric, predictions, labels) is None


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_resamples_without_a_correlation_are_left_out(offset: float) -> None:
    """One of 20 predictions differs: a third of the resamples miss it and are constant."""
    predictions = np.where(np.arange(20) == 7, offset + 0.7, offset + 0.3)
    labels = np.arange(20.0)
    found = intervals._pearsons(
        intervals.standardized(predictions),
        intervals.standardized(labels),
        4000,
        np.random.default_rng(11711),  # the draws of interval_95
    )
    assert np.isnan(found).mean() == pytest.approx((19 / 20) ** 20, abs=0.02)
    low, high = np.nanquantile(found, [0.025, 0.975])
    assert interval_95("pearson", predictions, labels) == pytest.approx((low, high))
    # the different one has label 7, just below the mean, so correlations are weak and negative
    assert -0.5 < low < high < 0.05


def test_small_differences_beside_an_outlier_are_not_rounding_errors() -> None:
    """Without the outlier, a resample has only a millionth of the spread, which still counts."""
    x = np.append(np.arange(30) * 1e-6, 100.0)
    y = np.arange(31.0)
    for one, other in ((x, y), (y, x)):
        sides = intervals.standardized(one), intervals.standardized(other)
        found = intervals._pearsons(*sides, 200, np.random.default_rng(0))
        assert not np.isnan(found).any()
        assert (found > 0).all()


def test_standardized_values_are_z_scores_in_float64() -> None:
    values = np.array([1000.1, 1000.2, 1000.4, 1000.8], dtype=np.float32)
    found = intervals.standardized(values)
    np.testing.assert_allclose(found, stats.zscore(values.astype(np.float64)), rtol=1e-12)


@pytest.mark.parametrize("slope", [3.0, -3.0])
def test_rounding_keeps_correlations_at_or_below_one(slope: float) -> None:
    x, _ = correlated(50, 0.0)
    sides = intervals.standardized(x), intervals.standardized(slope * x + 0.1)
    found = intervals._pearsons(*sides, 500, np.random.default_rng(0))
    assert np.abs(found).max() == 1.0


def test_the_number_of_resamples_per_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = correlated(100, 0.5)
    expected = bootstrap_interval("pearson", x, y, resamples=200, confidence=0.9, seed=5)
    monkeypatch.setattr(intervals, "CELLS", 700)
    found = bootstrap_interval("pearson", x, y, resamples=200, confidence=0.9, seed=5)
    assert found == pytest.approx(expected, abs=1e-12)
    assert len(intervals._pearsons(x, y, 200, np.random.default_rng(5))) == 200


def test_memory_stays_bounded_on_quoras_dev_set() -> None:
    """The indices of 2,000 resamples of 20,000 examples would take 320 MB."""
    x, y = correlated(20_000, 0.7)
    tracemalloc.start()
    bootstrap_interval("pearson", x, y, resamples=2000, confidence=0.95, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64e6


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Return a metric and values for it: classes, or similarities with ties."""
    metric = draw(st.sampled_from(list(METRICS)))
    number = st.integers(0, 4) if metric == "accuracy" else st.floats(0, 5, width=32)
    values = st.lists(st.tuples(number, st.integers(0, 4)), max_size=40)
    table = np.array(draw(values), dtype=np.float32).reshape(-1, 2)
    return metric, table[:, 0], table[:, 1]


def interval_of(sample: Sample, confidence: float, seed: int) -> tuple[float, float] | None:
    return bootstrap_interval(*sample, resamples=200, confidence=confidence, seed=seed)


@given(samples(), CONFIDENCES, SEEDS)
def test_intervals_are_ordered_within_range_and_repeatable(
    sample: Sample, confidence: float, seed: int
) -> None:
    found = interval_of(sample, confidence, seed)
    assert found == interval_of(sample, confidence, seed)
    metric, predictions, labels = sample
    if METRICS[metric](predictions, labels).value is None:
        assert found is None
    elif found:  # with two values among forty, it is possible that no resample has a score
        lowest = 0.0 if metric == "accuracy" else -1.0
        assert lowest <= found[0] <= found[1] <= 1.0
