"""Analyzes what a score hides: confused classes, calibration and the worst mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.core.records import Analysis, Bin, Mistake
from pipeline.core.tasks import Corpus
from pipeline.heads.metrics import Values

NUM_MISTAKES = 10
NUM_BINS = 10
NUM_DECIMALS = 4  # of values that are only plotted or displayed


def analyze(corpus: Corpus, outputs: Values, labels: Values, ids: Values) -> Analysis:
    """Compare predictions with labels.

    Args:
        corpus: determines what the outputs mean.
        outputs: class probabilities, [N, C], or similarities, [N]; examples with an output that is
            not finite are left out.
        labels: the labels on the corpus's scale, [N].
        ids: the ids of the examples, [N].
    """
    from sklearn.metrics import confusion_matrix

    known = np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1)
    outputs, labels, ids = outputs[known].astype(np.float64), labels[known], ids[known]
    if corpus.has_classes:
        predictions, confidence = outputs.argmax(axis=1), outputs.max(axis=1)
        bins, off = _bins(confidence, predictions == labels, 1.0), confidence
        confusion = np.zeros((outputs.shape[1], outputs.shape[1]), dtype=int)
        if len(labels):  # scikit-learn rejects empty labels
            confusion = confusion_matrix(labels, predictions, labels=range(len(confusion)))
    else:
        predictions, off = outputs, np.abs(outputs - labels)
        bins = _bins(predictions, labels, corpus.max_label)
    wrong = np.flatnonzero(predictions != labels)
    worst = wrong[np.argsort(-off[wrong], kind="stable")][:NUM_MISTAKES]
    pairs = list(zip(map(_short, labels), map(_short, predictions), strict=True))
    return Analysis(
        confusion=confusion.tolist() if corpus.has_classes else (),
        points=() if corpus.has_classes else pairs,
        bins=bins,
        calibration_error=_calibration_error(bins),
        mistakes=[
            Mistake(
                str(ids[i]),
                pairs[i][0],
                pairs[i][1],
                _short(off[i]) if corpus.has_classes else None,
            )
            for i in worst
        ],
        num_zero=None if corpus.has_classes else int((predictions == 0).sum()),
    )


def _bins(predicted: Values, true: Values, highest: float) -> list[Bin]:
    """Divide 0 to `highest` into equal bins; values outside that range go into the nearest bin.

    This uses scipy, because scikit-learn's calibration_curve returns no counts and needs classes.
    """
    from scipy.stats import binned_statistic

    means, edges, places = binned_statistic(
        np.clip(predicted, 0, highest), [predicted, true], bins=NUM_BINS, range=(0, highest)
    )
    counts = np.bincount(places - 1, minlength=NUM_BINS)
    return [
        Bin(
            low=_short(edges[i]),
            high=_short(edges[i + 1]),
            count=int(counts[i]),
            predicted=_short(means[0, i]) if counts[i] else None,
            true=_short(means[1, i]) if counts[i] else None,
        )
        for i in range(NUM_BINS)
    ]


def _calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (Naeini et al. 2015); None without examples."""
    total = sum(bin_.count for bin_ in bins)
    off = sum(bin_.count * abs((bin_.predicted or 0.0) - (bin_.true or 0.0)) for bin_ in bins)
    return _short(off / total) if total else None


def _short(value: Any) -> float:
    return round(float(value), NUM_DECIMALS)
