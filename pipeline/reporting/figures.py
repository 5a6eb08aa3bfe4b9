"""Draws a report's figures: learning curves, scores next to the paper's, the data, and each run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.core.paper import Scheme
from pipeline.core.records import CorpusReport
from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.plumbing.params import Params
from pipeline.reporting.drawing import COLORS, FAINT, INK, SPLIT_COLORS, Sheet, drawn, labeled
from pipeline.reporting.results import Outcome, Result

PAPER_STYLES: dict[Scheme, str] = {"single-task": ":", "multi-task": "-."}
LOOKS: dict[Scheme, dict[str, str]] = {
    "single-task": {"linestyle": "-", "marker": "o"},
    # the markers are hollow, so that a curve underneath stays visible
    "multi-task": {"linestyle": "--", "marker": "s", "markerfacecolor": "white"},
}
MEAN_LOOK: dict[str, Any] = dict(color="black", marker="|", markersize=15, markeredgewidth=1.5)
PAPER_LOOK: dict[str, Any] = dict(markerfacecolor="white", markeredgecolor="black", markersize=6)
SCORE_AXIS = "dev score: accuracy, and of sts the Pearson correlation"
NUM_BARS = 24  # in a histogram of sentence lengths


def learning_curves(params: Params, outcome: Outcome, head: str) -> str:
    """Draw the dev score of every run after each epoch, with one panel per corpus.

    Faint lines show the paper's scores; an undefined score leaves a gap.
    """
    num_rows = math.ceil(len(CORPORA) / 2)
    longest = max(params.epochs(run) for run in params.runs.values())

    def draw(figure: Figure) -> None:
        panels = figure.subplots(num_rows, 2).ravel()
        for axes, corpus in zip(panels, CORPORA, strict=False):
            for result in outcome.results:
                if result.corpus == corpus:
                    scores = outcome.scores(result)
                    axes.plot(list(scores), list(scores.values()), **_look(result))
                    if result.paper_score is not None:
                        look = {"color": COLORS[result.mode], **FAINT}
                        style = PAPER_STYLES[result.scheme]
                        axes.axhline(result.paper_score, linestyle=style, **look)
            _by_epoch(axes, longest)
            metric = f"dev {CORPORA[corpus].task.metric}"
            labeled(axes, "epoch", metric, CORPORA[corpus].title)
        for axes in panels[len(CORPORA) :]:
            axes.set_visible(False)
        figure.legend(handles=list(_legend(outcome.results)), loc="lower center", ncols=3)

    return drawn(Sheet(9, 3.3 * num_rows, bottom=1.1), head, draw)


def _by_epoch(axes: Any, last: int) -> None:
    axes.set_xlim(0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _look(result: Result) -> dict[str, Any]:
    return {"color": COLORS[result.mode], "markersize": 4, **LOOKS[result.scheme]}


def _legend(rows: Sequence[Result]) -> Iterator[Line2D]:
    """Yield a legend entry per kind of curve in the figure, then one per kind of paper score."""
    kinds = {(row.mode, row.scheme): row for row in rows}
    for mode, scheme in product(COLORS, LOOKS):
        if (mode, scheme) in kinds:
            yield _key(f"{scheme} {mode}", **_look(kinds[mode, scheme]))
    for scheme, style in PAPER_STYLES.items():
        if any(row.scheme == scheme and row.is_papers for row in rows):
            yield _key(f"paper, {scheme}", color="black", linestyle=style, **FAINT)


def _key(label: str, **look: Any) -> Line2D:
    """Return a legend entry."""
    return Line2D([], [], label=label, **look)


def scores_beside_paper(outcome: Outcome, head: str) -> str:
    """Draw, for every row of Table 3, our score with its interval and the paper's score."""
    rows = outcome.results

    def draw(figure: Figure) -> None:
        axes: Any = figure.subplots()
        for place, row in enumerate(rows):
            color = COLORS[row.mode]
            if row.score is None:
                axes.text(0.01, place, str(row.reason), va="center", fontsize=8, color=INK)
            else:
                axes.plot(row.score, place, "o", color=color)
            if row.ci_low is not None and row.ci_high is not None:
                axes.plot([row.ci_low, row.ci_high], [place, place], color=color, linewidth=2)
            if row.paper_score is not None:
                axes.plot(row.paper_score, place, "D", **PAPER_LOOK)
        _by_row(axes, rows)
        axes.invert_yaxis()
        axes.set_xlim(min(0.0, *(row.ci_low or 0.0 for row in rows)), 1.02)
        handles = [_key(f"ours, {mode}", color=COLORS[mode], marker="o") for mode in COLORS]
        handles.append(_key("paper", linestyle="", marker="D", **PAPER_LOOK))
        figure.legend(handles=handles, loc="lower center", ncols=3)

    return drawn(Sheet(9, 1.7 + 0.25 * len(rows), left=2.1), head, draw)


def _by_row(axes: Any, rows: Sequence[Result]) -> None:
    """Label the y axis with the rows of Table 3."""
    names = [f"{r.corpus}  {r.scheme}  {r.mode}" if r.is_papers else r.configuration for r in rows]
    axes.set(yticks=range(len(rows)), yticklabels=names, xlabel=SCORE_AXIS)
    axes.grid(axis="x", alpha=0.25)


def scores_of_seeds(own_seed: int, outcome: Outcome, head: str) -> str:
    """Draw a dot per seed and the mean over seeds for every row trained with several seeds.

    The dot for `own_seed`, the seed in params.yaml, is filled.
    """
    rows = [row for row in outcome.results if row.seeds]

    def draw(figure: Figure) -> None:
        axes: Any = figure.subplots()
        for place, row in enumerate(rows):
            if row.paper_score is not None:
                axes.plot(row.paper_score, place, "D", **PAPER_LOOK)
            known = [
                tried.result.score
                for tried in outcome.tried
                if tried.result.configuration == row.configuration
                and not tried.has_changes
                and tried.seed != own_seed
                and tried.result.score is not None
            ]
            look = {"color": COLORS[row.mode], "markerfacecolor": "white"}
            axes.plot(known, [place] * len(known), "o", **look)
            if row.score is not None:
                axes.plot(row.score, place, "o", color=COLORS[row.mode])
            if row.seeds and row.seeds.mean is not None:
                axes.plot(row.seeds.mean, place, **MEAN_LOOK)
        _by_row(axes, rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        figure.legend(handles=list(_seeds_legend(rows)), loc="lower center", ncols=4)

    return drawn(Sheet(9, 1.7 + 0.3 * len(rows), left=2.1), head, draw)


def _seeds_legend(rows: Sequence[Result]) -> Iterator[Line2D]:
    """Yield the legend entries for a figure of seeds."""
    for mode, color in COLORS.items():
        if any(row.mode == mode for row in rows):
            look: dict[str, Any] = {"color": color, "linestyle": "", "marker": "o"}
            yield _key(f"{mode}, seed of Table 3", **look)
            yield _key(f"{mode}, other seeds", markerfacecolor="white", **look)
    yield _key("mean over seeds", linestyle="", **MEAN_LOOK)
    if any(row.is_papers for row in rows):
        yield _key("paper", linestyle="", marker="D", **PAPER_LOOK)


def data_histograms(validations: Mapping[CorpusName, CorpusReport], head: str) -> str:
    """Draw histograms of each corpus's sentence lengths and labels, as shares of each split."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(validations), 2, width_ratios=(3, 2), squeeze=False)
        for (left, right), (corpus, found) in zip(panels, validations.items(), strict=True):
            _lengths(left, found.length_counts)
            left.set_title(CORPORA[corpus].title, loc="left")
            left.set_ylabel("share of sentences")
            _labels(right, found.label_balance)
        panels[-1, 0].set_xlabel("words of a sentence; the longest 1 % are left out")
        panels[-1, 1].set_xlabel("label, similarities by the nearest whole number")
        handles = [_key(split, color=color) for split, color in SPLIT_COLORS.items()]
        figure.legend(handles=handles, loc="lower center", ncols=3)

    return drawn(Sheet(9, 2.1 * len(validations) + 0.8, between_rows=0.55), head, draw)


def _lengths(axes: Any, counts: Mapping[Split, Mapping[str, int]]) -> None:
    """Draw, for each split, the share of sentences by number of words."""
    lengths = {
        split: np.array(sorted((int(words), number) for words, number in counts[split].items())).T
        for split in SPLITS
        if counts[split]
    }
    if not lengths:
        return
    # the 99th percentile of the lengths of each split
    almost = [n[np.searchsorted(np.cumsum(of) / of.sum(), 0.99)] for n, of in lengths.values()]
    edges = np.linspace(0, max(*almost, NUM_BARS), NUM_BARS + 1)
    for split, (words, number) in lengths.items():
        heights, _ = np.histogram(words, edges, weights=number / number.sum())
        axes.stairs(heights, edges, color=SPLIT_COLORS[split], linewidth=1.2)
    axes.set(xlim=(0, edges[-1]), ylim=(0, None))


def _labels(axes: Any, balance: Mapping[Split, Mapping[str, int]]) -> None:
    """Draw, for each split, the share of examples by label; test splits may have no labels."""
    known = [split for split in SPLITS if balance[split]]
    for place, split in enumerate(known):
        shares = np.array(list(balance[split].values())) / sum(balance[split].values())
        left = np.arange(len(shares)) + (place - (len(known) - 1) / 2) * 0.3
        axes.bar(left, shares, width=0.28, color=SPLIT_COLORS[split])
        axes.set_xticks(range(len(shares)), list(balance[split]))
    axes.set_ylabel("share of examples")


def run_figure(outcome: Outcome, run: str, head: str) -> str:
    """Draw a run's loss and dev score by epoch, its predictions against labels, and calibration."""
    results = [result for result in outcome.results if result.run == run]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(results), 4, squeeze=False)
        for (loss, score, beside, calibration), result in zip(panels, results, strict=True):
            _epochs(loss, score, outcome, result)
            (_confusion if result.of_corpus.has_classes else _scatter)(beside, result)
            _calibration(calibration, result)

    return drawn(Sheet(12, 3.1 * len(results) + 0.5, bottom=0.5), head, draw)


def _epochs(loss: Any, score: Any, outcome: Outcome, result: Result) -> None:
    rows = outcome.history(result)
    epochs = [row.epoch for row in rows]
    look = {"color": COLORS[result.mode], "marker": "o", "markersize": 4}
    loss.plot(epochs, [row.train_loss for row in rows], **look)
    score.plot(epochs, [row.dev_score for row in rows], **look)
    if result.best_epoch:
        score.axvline(result.best_epoch, color=INK, linestyle="-", **FAINT)
    if result.paper_score is not None:
        score.axhline(result.paper_score, color="black", linestyle=":", **FAINT)
    labeled(loss, "epoch", title=f"{result.corpus}: training loss")
    labeled(score, "epoch", title=f"dev {result.metric}; the line: kept", fontsize=9)
    for axes in (loss, score):
        _by_epoch(axes, max(epochs, default=1))


def _confusion(axes: Any, result: Result) -> None:
    """Draw the number of examples by label and prediction, shaded by its share of the row."""
    counts = np.array(result.analysis.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (label, prediction), count in np.ndenumerate(counts):
        color = "white" if shares[label, prediction] > 0.5 else "black"
        look = {"color": color, "ha": "center", "va": "center", "fontsize": 8}
        axes.text(prediction, label, f"{count:,}", **look)
    ticks = range(len(counts))
    axes.set(xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="label", title="confusion")


def _scatter(axes: Any, result: Result) -> None:
    points = np.array(result.analysis.points).reshape(-1, 2)
    look = {"markersize": 3, "alpha": 0.4, "color": COLORS[result.mode], "markeredgewidth": 0}
    axes.plot(points[:, 0], points[:, 1], "o", **look)
    ends = [0, result.of_corpus.max_label]
    axes.plot(ends, ends, color=INK, **FAINT)
    labeled(axes, "label", "predicted", "predicted and true")


def _calibration(axes: Any, result: Result) -> None:
    """Draw bins of predictions; bins on the diagonal are calibrated."""
    has_classes = result.of_corpus.has_classes
    filled = [bin_ for bin_ in result.analysis.bins if bin_.count]
    largest = max((bin_.count for bin_ in filled), default=1)
    ends = [0, 1 if has_classes else result.of_corpus.max_label]
    axes.plot(ends, ends, color=INK, **FAINT)
    axes.scatter(
        [bin_.predicted for bin_ in filled],
        [bin_.true for bin_ in filled],
        s=[10 + 90 * bin_.count / largest for bin_ in filled],
        color=COLORS[result.mode],
        alpha=0.8,
    )
    x, y = ("confidence", "accuracy") if has_classes else ("predicted", "mean label")
    labeled(axes, x, y, "calibration; area: examples", fontsize=9)
