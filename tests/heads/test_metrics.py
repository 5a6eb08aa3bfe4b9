"""Metrics: values by hand, and undefined scores."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.heads.metrics import (
    CONSTANT_LABELS,
    CONSTANT_PREDICTIONS,
    METRICS,
    NO_EXAMPLES,
    NOT_FINITE,
    Score,
    Values,
    accuracy,
    macro_f1,
    majority_class,
    pearson,
    spearman,
)

Metric = Callable[[Values, Values], Score]
Numbers = Iterable[float]

ALL = [accuracy, macro_f1, pearson, spearman]
CORRELATIONS = [pearson, spearman]
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def values(*numbers: float) -> Values:
    return np.array(numbers, dtype=np.float64)


@pytest.mark.parametrize(
    ("metric", "predictions", "labels", "expected"),
    [
        (accuracy, (0, 1, 2, 2), (0, 1, 2, 3), 0.75),
        # F1 = 2 x right / (predicted + labeled): 2/(2+3), 2/(2+1) and 0/(1+1)
        (macro_f1, (0, 1, 1, 0, 2), (0, 0, 1, 2, 0), (2 / 5 + 2 / 3 + 0) / 3),
        # deviations (-1, 0, 1) and (-1, 1, 0): covariance 1, both variances 2
        (pearson, (1, 2, 3), (1, 3, 2), 0.5),
        (pearson, (1, 2, 3, 10), (-1, -2, -3, -10), -1.0),
        (pearson, (-3e38, 0, 3e38), (1, 2, 3), 1.0),
        (spearman, (1, 10, 100, 1000), (1, 2, 3, 4), 1.0),
        (spearman, (1, 1, 2), (1, 2, 3), 0.75**0.5),
    ],
)
def test_scores_by_hand(
    metric: Metric, predictions: Numbers, labels: Numbers, expected: float
) -> None:
    found = metric(np.array(predictions, dtype=np.float32), values(*labels))
    assert found == Score(pytest.approx(expected), None)


def test_majority_class_by_hand() -> None:
    assert majority_class(values(0, 3, 3, 1)) == 0.5
    assert majority_class(values()) is None


@pytest.mark.parametrize(
    ("metrics", "predictions", "labels", "reason"),
    [
        *((CORRELATIONS, (c,) * 7, range(7), CONSTANT_PREDICTIONS) for c in (0.0, 0.1, 1e-300)),
        (CORRELATIONS, range(7), (0.1,) * 7, CONSTANT_LABELS),
        (CORRELATIONS, (2,), (3,), CONSTANT_PREDICTIONS),
        (CORRELATIONS, (0.3, 0.1 + 0.2, 0.3), (1, 2, 3), CONSTANT_PREDICTIONS),
        (CORRELATIONS, (3e5, 3e5 + 1e-10, 3e5), (1, 2, 3), CONSTANT_PREDICTIONS),
        *((ALL, (0, bad, 1), (0, 1, 1), NOT_FINITE) for bad in (np.nan, np.inf, -np.inf)),
        (ALL, (), (), NO_EXAMPLES),
    ],
)
def test_an_undefined_score_has_a_reason(
    metrics: list[Metric], predictions: Numbers, labels: Numbers, reason: str
) -> None:
    for metric in metrics:
        assert metric(values(*predictions), values(*labels)) == Score(None, reason)


@pytest.mark.parametrize("metric", ALL)
def test_missing_labels_and_wrong_shapes_are_bugs(metric: Metric) -> None:
    with pytest.raises(ValueError, match="unlabeled"):
        metric(values(0, 1), values(0, np.nan))
    with pytest.raises(ValueError, match=r"\(2,\) and labels \(3,\)"):
        metric(values(0, 1), values(0, 1, 2))
    with pytest.raises(ValueError, match=r"\(2, 1\) and labels \(2, 1\)"):
        metric(np.zeros((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize("metric", CORRELATIONS)
def test_correlations_are_computed_in_float64(metric: Metric) -> None:
    predictions, labels = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    assert metric(predictions, labels) == metric(predictions.astype(float), labels.astype(float))


@pytest.mark.parametrize("metric", CORRELATIONS)
@given(st.lists(st.tuples(FLOATS | st.sampled_from([0.0, 1.0]), FLOATS), min_size=1, max_size=40))
def test_any_outputs_give_a_correlation_without_a_warning_or_a_reason(
    metric: Metric, pairs: list[tuple[float, float]]
) -> None:
    """Nearly constant values too, for which scipy warns; in tests, warnings are errors."""
    predictions, labels = (np.array(side, dtype=np.float32) for side in zip(*pairs, strict=True))
    found = metric(predictions, labels)
    if found.value is None:
        assert found.reason in (CONSTANT_PREDICTIONS, CONSTANT_LABELS)
    else:
        assert -1.0 <= found.value <= 1.0
        assert metric(labels, predictions).value == pytest.approx(found.value, abs=1e-9)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.integers(-60, -20))
def test_values_that_scipy_calls_nearly_constant_give_no_score(
    numbers: list[float], exponent: int
) -> None:
    predictions = 1.0 + np.ldexp(np.array(numbers), exponent)
    found = METRICS["pearson"](predictions, np.arange(float(len(numbers))))
    assert (found.value is None) == bool(np.ptp(predictions) <= 3e-12 * predictions.max())
