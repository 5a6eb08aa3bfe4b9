"""analyze: scikit-learn's confusion matrix and calibration curve, and the order of mistakes."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from pipeline.core.tasks import CORPORA
from pipeline.evaluation.analysis import NUM_BINS, NUM_MISTAKES, analyze

N = 400


def ids(count: int = N) -> np.ndarray:
    return np.array([f"id-{i}" for i in range(count)])


def test_bins_equal_scikit_learns_calibration_curve() -> None:
    generator = np.random.default_rng(0)
    yes = generator.random(N)
    labels = (generator.random(N) < yes**2).astype(np.float32)
    probabilities = np.stack([1 - yes, yes], axis=1)
    found = analyze(CORPORA["quora"], probabilities, labels, ids())
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    true, predicted = calibration_curve(right, confidence, n_bins=NUM_BINS)
    filled = [bin_ for bin_ in found.bins if bin_.count]
    assert [bin_.true for bin_ in filled] == pytest.approx(true, abs=1e-4)
    assert [bin_.predicted for bin_ in filled] == pytest.approx(predicted, abs=1e-4)
    assert sum(bin_.count for bin_ in found.bins) == N
    counts = [bin_.count for bin_ in filled]
    error = np.average(np.abs(true - predicted), weights=counts)
    assert found.calibration_error == pytest.approx(error, abs=2e-4)


def test_mistakes_are_wrong_and_the_most_confident_come_first() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    found = analyze(CORPORA["quora"], probabilities, np.array([0.0, 0, 0, 1]), ids(4))
    assert [(m.id, m.label, m.prediction, m.confidence) for m in found.mistakes] == [
        ("id-2", 0.0, 1.0, 0.8),
        ("id-1", 0.0, 1.0, 0.6),
    ]


def test_the_worst_similarities_come_first_and_zeros_are_counted() -> None:
    predictions = np.array([0.0, 2.0, 4.9, 0.0, 7.0])
    labels = np.array([0.0, 2.5, 1.0, 5.0, 5.0])
    found = analyze(CORPORA["sts"], predictions, labels, ids(5))
    assert [mistake.id for mistake in found.mistakes] == ["id-3", "id-2", "id-4", "id-1"]
    assert found.num_zero == 2
    assert found.points[1] == (2.5, 2.0)
    assert found.bins[0].count == 2
    assert found.bins[-1].count == 2  # including the one above the highest label
    assert found.confusion == ()


def test_nan_outputs_are_left_out_and_there_may_be_no_others() -> None:
    probabilities = np.array([[0.1, 0.9], [np.nan, np.nan]])
    found = analyze(CORPORA["quora"], probabilities, np.array([1.0, 1.0]), ids(2))
    assert found.confusion == [[0, 0], [0, 1]]
    nothing = analyze(CORPORA["sts"], np.full(2, np.nan), np.array([1.0, 1.0]), ids(2))
    assert (nothing.calibration_error, list(nothing.mistakes), nothing.num_zero) == (None, [], 0)
    nothing = analyze(CORPORA["quora"], np.full((2, 2), np.nan), np.array([1.0, 1.0]), ids(2))
    assert (nothing.confusion, nothing.calibration_error) == ([[0, 0], [0, 0]], None)


def test_at_most_ten_mistakes_are_kept() -> None:
    generator = np.random.default_rng(0)
    found = analyze(CORPORA["sts"], generator.random(N), generator.random(N), ids())
    assert len(found.mistakes) == NUM_MISTAKES
