"""A run's own figure: a row for each of its corpora, with four panels."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.reporting.drawing import COLOURS, FAINT, INK, Sheet, drawn
from pipeline.reporting.results import Outcome, Result
from pipeline.tasks import CORPORA


def run_figure(outcome: Outcome, run: str, head: str) -> str:
    """Draw loss and dev score by epoch, predictions beside labels, and calibration."""
    results = [result for result in outcome.results if result.run == run]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(results), 4, squeeze=False)
        for (loss, score, beside, calibration), result in zip(panels, results, strict=True):
            _epochs(loss, score, outcome, result)
            if CORPORA[result.corpus].has_classes:
                _confusion(beside, result)
            else:
                _scatter(beside, result)
            _calibration(calibration, result)

    return drawn(Sheet(12, 3.1 * len(results) + 0.5, bottom=0.5), head, draw)


def _epochs(loss: Any, score: Any, outcome: Outcome, result: Result) -> None:
    rows = [row for row in outcome.histories[result.run] if row.corpus == result.corpus]
    epochs = [row.epoch for row in rows]
    undefined = float("nan")
    look = {"color": COLOURS[result.mode], "marker": "o", "markersize": 4}
    losses = [undefined if row.train_loss is None else row.train_loss for row in rows]
    scores = [undefined if row.dev_score is None else row.dev_score for row in rows]
    loss.plot(epochs, losses, **look)
    score.plot(epochs, scores, **look)
    if result.best_epoch:
        score.axvline(result.best_epoch, color=INK, linestyle="-", **FAINT)
    if result.paper_score is not None:
        score.axhline(result.paper_score, color="black", linestyle=":", **FAINT)
    loss.set_title(f"{result.corpus}: training loss")
    score.set_title(f"dev {result.metric}; the line: kept", fontsize=9)
    for axes in (loss, score):
        axes.set_xlabel("epoch")
        axes.set_xlim(0.5, max(epochs, default=1) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.25)


def _confusion(axes: Any, result: Result) -> None:
    """Show how many examples of each label got each prediction; the shade is a label's share."""
    counts = np.array(result.analysis.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (label, prediction), count in np.ndenumerate(counts):
        dark = shares[label, prediction] > 0.5
        where = {"ha": "center", "va": "center", "fontsize": 8}
        axes.text(prediction, label, f"{count:,}", color="white" if dark else "black", **where)
    axes.set_xticks(range(len(counts)))
    axes.set_yticks(range(len(counts)))
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    axes.set_title("confusion")


def _scatter(axes: Any, result: Result) -> None:
    highest = CORPORA[result.corpus].max_label
    points = np.array(result.analysis.points).reshape(-1, 2)
    look = {"markersize": 3, "alpha": 0.4, "color": COLOURS[result.mode], "markeredgewidth": 0}
    axes.plot(points[:, 0], points[:, 1], "o", **look)
    axes.plot([0, highest], [0, highest], color=INK, **FAINT)
    axes.set_xlabel("label")
    axes.set_ylabel("predicted")
    axes.set_title("predicted and true")
    axes.grid(alpha=0.25)


def _calibration(axes: Any, result: Result) -> None:
    """Show bins of predictions: on the line they are what they say."""
    has_classes = CORPORA[result.corpus].has_classes
    highest = 1 if has_classes else CORPORA[result.corpus].max_label
    filled = [bin_ for bin_ in result.analysis.bins if bin_.count]
    largest = max((bin_.count for bin_ in filled), default=1)
    axes.plot([0, highest], [0, highest], color=INK, **FAINT)
    axes.scatter(
        [bin_.predicted for bin_ in filled],
        [bin_.true for bin_ in filled],
        s=[10 + 90 * bin_.count / largest for bin_ in filled],
        color=COLOURS[result.mode],
        alpha=0.8,
    )
    axes.set_xlabel("confidence" if has_classes else "predicted")
    axes.set_ylabel("accuracy" if has_classes else "mean label")
    axes.set_title("calibration; area: examples", fontsize=9)
    axes.grid(alpha=0.25)
