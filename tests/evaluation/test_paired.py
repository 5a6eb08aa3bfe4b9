"""paired_bootstrap and holm: compared with scipy, McNemar's test and chance."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap, pearsonr

from pipeline.evaluation.paired import Difference, holm, paired_bootstrap

SIZE = 300


def correlated(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.normal(size=SIZE)
    first, second = (labels + draw.normal(scale=scale, size=SIZE) for scale in (1.5, 1.2))
    return first, second, labels


def difference(
    metric: str, first: np.ndarray, second: np.ndarray, labels: np.ndarray
) -> Difference:
    found = paired_bootstrap(
        metric,  # type: ignore[arg-type]
        (first, second),
        labels,
        resamples=4000,
        confidence=0.95,
        seed=1,
    )
    assert found is not None
    return found


def test_the_interval_of_correlations_equals_scipys() -> None:
    first, second, labels = correlated(0)
    found = difference("pearson", first, second, labels)

    def statistic(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float(pearsonr(b, c)[0] - pearsonr(a, c)[0])

    reference = bootstrap(
        (first, second, labels),
        statistic,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert found.value == pytest.approx(statistic(first, second, labels))
    assert found.ci_low == pytest.approx(reference.low, abs=0.012)
    assert found.ci_high == pytest.approx(reference.high, abs=0.012)


def answers(gains: int, losses: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictions: only the second is right `gains` times, only the first `losses` times."""
    first, second = np.ones(SIZE), np.ones(SIZE)
    first[:gains] = 0
    second[gains : gains + losses] = 0
    return first, second, np.ones(SIZE)


@pytest.mark.parametrize(("gains", "losses"), [(30, 18), (40, 15), (25, 25), (60, 50), (12, 2)])
def test_the_p_value_of_accuracies_is_close_to_mcnemars(gains: int, losses: int) -> None:
    found = difference("accuracy", *answers(gains, losses))
    exact = binomtest(gains, gains + losses).pvalue
    assert found.value == pytest.approx((gains - losses) / SIZE)
    assert found.p_value == pytest.approx(exact, abs=0.05)


def test_one_of_the_models_may_be_right_on_every_example() -> None:
    labels = np.repeat([1.0, 0.0], [33, 212])  # 1 - 33/245 - 212/245 is below 0 in float64
    found = difference("accuracy", np.zeros(245), np.ones(245), labels)
    assert found.value == pytest.approx((33 - 212) / 245)


def test_equal_models_are_called_different_in_one_of_twenty_tests() -> None:
    draw = np.random.default_rng(3)
    called = 0
    for _ in range(200):
        labels = draw.normal(size=100)
        models = labels + draw.normal(size=100), labels + draw.normal(size=100)
        found = paired_bootstrap("pearson", models, labels, resamples=400, confidence=0.95, seed=4)
        called += found is not None and found.p_value < 0.05
    assert called <= 20


def test_an_undefined_score_has_no_difference() -> None:
    labels = np.arange(5.0)
    found = paired_bootstrap(
        "pearson", (labels, np.ones(5)), labels, resamples=10, confidence=0.95, seed=0
    )
    assert found is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
