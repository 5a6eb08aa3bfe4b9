"""Metrics against scikit-learn and scipy on values made to be awkward.

Numbers on a grid have an exact sum, so that both sides divide the same two; on any others, only
what holds of every correlation is asked.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from pipeline.evaluation.metrics import (
    CONSTANT_LABELS,
    CONSTANT_PREDICTIONS,
    Score,
    Values,
    accuracy,
    macro_f1,
    pearson,
    spearman,
)

Pair = tuple[Values, Values]
CORRELATIONS = [(pearson, stats.pearsonr), (spearman, stats.spearmanr)]
GRID = st.integers(-640, 640).map(lambda number: number / 64)  # exact in float32, too
# few values, hence ties and constants
TIED = st.sampled_from([0.0, 1.0, -2.5])
ANY = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def pairs_of(
    draw: st.DrawFn,
    *kinds: st.SearchStrategy[float],
    least: int = 1,
    types: Sequence[type] = (np.float32, np.float64),
) -> Pair:
    """Return predictions and labels, as many of each, either of any of these kinds and types."""
    count = draw(st.integers(least, 40))

    def side() -> Values:
        kind, dtype = draw(st.sampled_from(kinds)), draw(st.sampled_from(types))
        return np.array([draw(kind) for _ in range(count)], dtype=dtype)

    return side(), side()


def scipys(reference: Callable[..., Any], pair: Pair) -> float:
    """Return scipy's correlation, NaN where one side is constant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.ConstantInputWarning)
        # as float64: scipy keeps to float32 where it is given it, and loses what we do not
        return float(reference(*(side.astype(np.float64) for side in pair)).statistic)


@given(pairs_of(st.integers(0, 4)))
def test_accuracy_and_macro_f1_are_scikit_learns(pair: Pair) -> None:
    predictions, labels = pair
    assert accuracy(predictions, labels).value == pytest.approx(
        sklearn_metrics.accuracy_score(labels, predictions)
    )
    assert macro_f1(predictions, labels).value == pytest.approx(
        sklearn_metrics.f1_score(labels, predictions, average="macro")
    )


@pytest.mark.parametrize(("metric", "reference"), CORRELATIONS)
@given(pair=pairs_of(GRID, TIED, least=2))
def test_correlations_are_scipys_and_undefined_where_scipys_are(
    metric: Callable[[Values, Values], Score], reference: Callable[..., Any], pair: Pair
) -> None:
    expected, found = scipys(reference, pair), metric(*pair)
    if np.isnan(expected):
        reason = CONSTANT_PREDICTIONS if np.ptp(pair[0]) == 0 else CONSTANT_LABELS
        assert found == Score(None, reason)
    else:
        assert found.value == pytest.approx(expected, abs=1e-12)


@given(pairs_of(GRID, least=2), st.integers(-1060, 1015), st.integers(-1060, 1015))
def test_powers_of_two_change_no_correlation(pair: Pair, one: int, other: int) -> None:
    """The whole range of float64: scipy's own sums leave it at the upper end."""
    exact = [side.astype(np.float64) for side in pair]
    scaled = pearson(np.ldexp(exact[0], one), np.ldexp(exact[1], other))
    assert scaled.reason == pearson(*exact).reason
    assert scaled.value == pytest.approx(pearson(*exact).value, abs=1e-12)


@pytest.mark.parametrize("metric", [pearson, spearman])
@given(pair=pairs_of(ANY, ANY.map(abs), types=[np.float64]))
def test_any_finite_numbers_have_a_correlation_or_are_constant(
    metric: Callable[[Values, Values], Score], pair: Pair
) -> None:
    found = metric(*pair)
    if found.value is None:
        assert found.reason in (CONSTANT_PREDICTIONS, CONSTANT_LABELS)
    else:
        assert -1.0 <= found.value <= 1.0
        assert metric(*pair[::-1]).value == pytest.approx(found.value, abs=1e-12)


@given(st.lists(GRID, min_size=2, max_size=30), st.floats(-1, 1), st.integers(-50, -30))
def test_a_spread_is_none_only_where_scipy_warns_of_it(
    numbers: list[float], offset: float, exponent: int
) -> None:
    """Scipy warns of a spread below 2e-12 of the mean, and tells a correlation all the same.

    We tell none, yet only below 1e-13: what float64's own rounding makes out of equal numbers.
    """
    predictions = offset + np.ldexp(np.array(numbers), exponent)
    labels = np.arange(float(len(numbers)))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        reference = stats.pearsonr(predictions, labels).statistic
    found = pearson(predictions, labels)
    if found.value is None:
        assert told
    elif np.ptp(predictions) > 1e-9 * np.abs(predictions).max():
        assert not told
        assert found.value == pytest.approx(reference, abs=1e-5)
