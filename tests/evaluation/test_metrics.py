"""Metrics: by hand, against scikit-learn and scipy, and where no number can say."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from pipeline.evaluation.metrics import (
    Score,
    Values,
    accuracy,
    macro_f1,
    majority_class,
    pearson,
    score,
    secondary,
    spearman,
)
from pipeline.tasks import CORPORA

ALL = [accuracy, macro_f1, pearson, spearman]
CORRELATIONS = [pearson, spearman]


def values(*numbers: float) -> Values:
    return np.array(numbers, dtype=np.float64)


def test_accuracy_by_hand() -> None:
    assert accuracy(values(0, 1, 2, 2), values(0, 1, 2, 3)) == Score(0.75, None)


def test_macro_f1_by_hand() -> None:
    """F1 = 2 x right / (predicted + labelled): 2/(2+3), 2/(2+1) and 0/(1+1)."""
    result = macro_f1(values(0, 1, 1, 0, 2), values(0, 0, 1, 2, 0))
    assert result.value == pytest.approx((2 / 5 + 2 / 3 + 0) / 3)


def test_pearson_by_hand() -> None:
    """Deviations (-1, 0, 1) and (-1, 1, 0): covariance 1, both variances 2."""
    assert pearson(values(1, 2, 3), values(1, 3, 2)).value == pytest.approx(0.5)


def test_a_straight_line_has_correlation_one_whichever_way_it_rises() -> None:
    line = values(1, 2, 3, 10)
    assert pearson(3 * line - 2, line).value == pytest.approx(1.0)
    assert pearson(-line, line).value == pytest.approx(-1.0)


@pytest.mark.parametrize("slope", [3.0, -3.0])
def test_rounding_takes_no_correlation_beyond_one(slope: float) -> None:
    for seed in range(100):
        line = np.random.default_rng(seed).normal(size=50)
        value = pearson(slope * line + 0.1, line).value
        assert value == pytest.approx(np.sign(slope))
        assert abs(value) <= 1.0


def test_spearman_sees_order_alone() -> None:
    assert spearman(values(1, 10, 100, 1000), values(1, 2, 3, 4)).value == pytest.approx(1.0)


def test_majority_class_by_hand() -> None:
    assert majority_class(values(0, 3, 3, 1)) == Score(0.5, None)
    assert majority_class(values()) == Score(None, "undefined: no examples")


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn_and_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 5, 200)
    classes = np.where(generator.random(200) < 0.5, labels, generator.integers(0, 4, 200))
    assert accuracy(classes, labels).value == pytest.approx(
        sklearn_metrics.accuracy_score(labels, classes)
    )
    assert macro_f1(classes, labels).value == pytest.approx(
        sklearn_metrics.f1_score(labels, classes, average="macro")
    )
    similarities = labels + generator.normal(size=200)
    assert pearson(similarities, labels).value == pytest.approx(
        stats.pearsonr(similarities, labels).statistic
    )
    assert spearman(similarities, labels).value == pytest.approx(
        stats.spearmanr(similarities, labels).statistic
    )


@pytest.mark.parametrize("metric", CORRELATIONS)
@pytest.mark.parametrize("constant", [0.0, 0.1, -3.7, 1e-300, 1e300])
def test_constant_predictions_leave_a_correlation_undefined(
    metric: Callable[[Values, Values], Score], constant: float
) -> None:
    labels = np.arange(7.0)
    constants = np.full(7, constant)
    assert metric(constants, labels) == Score(None, "undefined: constant predictions")
    assert metric(labels, constants) == Score(None, "undefined: constant labels")


def test_predictions_that_differ_by_rounding_alone_are_constant() -> None:
    predictions = values(0.3, 0.1 + 0.2, 0.3)
    assert len(set(predictions)) == 2
    assert pearson(predictions, values(1, 2, 3)).reason == "undefined: constant predictions"


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictions_that_are_not_finite_leave_every_score_undefined(
    metric: Callable[[Values, Values], Score], bad: float
) -> None:
    said = Score(None, "undefined: predictions are not finite")
    assert metric(values(0, bad, 1), values(0, 1, 1)) == said


@pytest.mark.parametrize("metric", ALL)
def test_no_examples_leave_every_score_undefined(
    metric: Callable[[Values, Values], Score],
) -> None:
    assert metric(values(), values()) == Score(None, "undefined: no examples")


@pytest.mark.parametrize("metric", CORRELATIONS)
def test_one_example_is_constant(metric: Callable[[Values, Values], Score]) -> None:
    assert metric(values(2), values(3)).reason == "undefined: constant predictions"


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e20, 1e300])
def test_correlation_does_not_depend_on_scale(scale: float) -> None:
    assert pearson(scale * values(1, 2, 3), values(1, 3, 2)).value == pytest.approx(0.5)


def test_opposite_ends_of_float32_do_not_overflow() -> None:
    predictions = np.array([-3e38, 0, 3e38], dtype=np.float32)
    assert pearson(predictions, values(1, 2, 3)).value == pytest.approx(1.0)


@pytest.mark.parametrize("metric", ALL)
def test_unlabelled_examples_are_our_own_mistake(
    metric: Callable[[Values, Values], Score],
) -> None:
    with pytest.raises(ValueError, match="unlabelled"):
        metric(values(0, 1), values(0, np.nan))


@pytest.mark.parametrize("metric", ALL)
def test_another_number_of_labels_is_our_own_mistake(
    metric: Callable[[Values, Values], Score],
) -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and labels \(3,\)"):
        metric(values(0, 1), values(0, 1, 2))
    with pytest.raises(ValueError, match=r"\(2, 1\) and labels \(2, 1\)"):
        metric(np.zeros((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize("corpus", ["sst", "cfimdb", "quora"])
def test_corpora_with_classes_are_scored_by_accuracy_and_macro_f1(corpus: str) -> None:
    predictions, labels = values(0, 1, 1, 1), values(0, 0, 1, 1)
    about = CORPORA[corpus]
    assert score(about, predictions, labels).value == 0.75
    assert secondary(about, predictions, labels) == {"macro_f1": macro_f1(predictions, labels)}


def test_similarity_is_scored_by_pearson_and_spearman() -> None:
    predictions, labels = values(0, 1, 5), values(0, 1, 2)
    about = CORPORA["sts"]
    assert score(about, predictions, labels) == pearson(predictions, labels)
    assert secondary(about, predictions, labels) == {"spearman": spearman(predictions, labels)}
    assert pearson(predictions, labels) != spearman(predictions, labels)
