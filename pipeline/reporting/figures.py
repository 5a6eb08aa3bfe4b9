"""A report's figures over all runs: learning curves, scores beside the paper's, the data."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.paper import Scheme
from pipeline.params import Params
from pipeline.reporting.drawing import COLOURS, FAINT, INK, SPLIT_COLOURS, Sheet, drawn
from pipeline.reporting.results import EpochScore, Outcome, Result
from pipeline.tasks import CORPORA, SPLITS, CorpusName

STYLES: dict[Scheme, str] = {"single-task": "-", "multi-task": "--"}
PAPER_STYLES: dict[Scheme, str] = {"single-task": ":", "multi-task": "-."}
# hollow, so that a curve below shows through one that lies on it
MARKERS: dict[Scheme, dict[str, str]] = {
    "single-task": {"marker": "o"},
    "multi-task": {"marker": "s", "markerfacecolor": "white"},
}
NUM_BARS = 24  # of a histogram of lengths


def learning_curves(params: Params, outcome: Outcome, head: str) -> str:
    """Draw the dev score of every run after each epoch, one panel for each corpus.

    Faint lines are the paper's scores; an undefined score leaves a gap.
    """
    num_rows = math.ceil(len(CORPORA) / 2)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(num_rows, 2).ravel()
        for axes, corpus in zip(panels, CORPORA, strict=False):
            _panel(axes, params, outcome, corpus)
        for axes in panels[len(CORPORA) :]:
            axes.set_visible(False)
        figure.legend(handles=list(_legend(outcome.results)), loc="lower center", ncols=3)

    return drawn(Sheet(9, 3.3 * num_rows, bottom=1.1), head, draw)


def _panel(axes: Any, params: Params, outcome: Outcome, corpus: CorpusName) -> None:
    for result in outcome.results:
        if result.corpus != corpus:
            continue
        axes.plot(*_curve(outcome.histories[result.run], corpus), **_look(result))
        if result.paper_score is not None:
            style = PAPER_STYLES[result.scheme]
            colour = COLOURS[result.mode]
            axes.axhline(result.paper_score, color=colour, linestyle=style, **FAINT)
    longest = max(params.epochs(run) for run in params.runs.values())
    axes.set_xlim(0.5, longest + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_title(CORPORA[corpus].title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"dev {CORPORA[corpus].task.metric}")
    axes.grid(alpha=0.25)


def _curve(history: Sequence[EpochScore], corpus: CorpusName) -> tuple[list[int], list[float]]:
    rows = [row for row in history if row.corpus == corpus]
    scores = [float("nan") if row.dev_score is None else row.dev_score for row in rows]
    return [row.epoch for row in rows], scores


def _look(result: Result) -> dict[str, Any]:
    return {
        "color": COLOURS[result.mode],
        "linestyle": STYLES[result.scheme],
        "markersize": 4,
        **MARKERS[result.scheme],
    }


def _legend(rows: Sequence[Result]) -> Iterator[Line2D]:
    """Yield a line for each kind of curve there is, then one for each kind of paper's score."""
    kinds = {(row.mode, row.scheme): row for row in rows}
    for mode in COLOURS:
        for scheme in STYLES:
            if (mode, scheme) in kinds:
                look = _look(kinds[mode, scheme])
                yield Line2D([], [], label=f"{scheme} {mode}", **look)
    for scheme, style in PAPER_STYLES.items():
        if any(row.scheme == scheme and row.paper_score is not None for row in rows):
            look = {"color": "black", "linestyle": style, **FAINT}
            yield Line2D([], [], label=f"paper, {scheme}", **look)


def scores_beside_paper(outcome: Outcome, head: str) -> str:
    """Draw every row of Table 3: our score with its interval, and the paper's."""

    def draw(figure: Figure) -> None:
        axes: Any = figure.subplots()
        rows = outcome.results
        for place, row in enumerate(rows):
            colour = COLOURS[row.mode]
            if row.score is None:
                axes.text(0.01, place, str(row.reason), va="center", fontsize=8, color=INK)
            else:
                axes.plot(row.score, place, "o", color=colour)
            if row.ci_low is not None and row.ci_high is not None:
                axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=2)
            if row.paper_score is not None:
                axes.plot(row.paper_score, place, "D", **PAPER_LOOK)
        axes.set_yticks(range(len(rows)), [_row_name(row) for row in rows])
        axes.invert_yaxis()
        axes.set_xlim(min(0.0, *(row.ci_low or 0.0 for row in rows)), 1.02)
        axes.set_xlabel("dev score: accuracy, and of sts the Pearson correlation")
        axes.grid(axis="x", alpha=0.25)
        handles = [
            Line2D([], [], color=colour, marker="o", label=f"ours, {mode}")
            for mode, colour in COLOURS.items()
        ]
        handles.append(Line2D([], [], linestyle="", marker="D", label="paper", **PAPER_LOOK))
        figure.legend(handles=handles, loc="lower center", ncols=3)

    return drawn(Sheet(9, 1.7 + 0.25 * len(outcome.results), left=2.1), head, draw)


def scores_of_seeds(own_seed: int, outcome: Outcome, head: str) -> str:
    """Draw every row that was trained with several seeds: a dot for each, and their mean.

    Args:
        own_seed: that of params.yaml; its dot is filled.
        outcome: of runs and trials.
        head: what the figure stands on.
    """
    rows = [row for row in outcome.results if row.seeds]

    def draw(figure: Figure) -> None:
        axes: Any = figure.subplots()
        for place, row in enumerate(rows):
            if row.paper_score is not None:
                axes.plot(row.paper_score, place, "D", **PAPER_LOOK)
            colour = COLOURS[row.mode]
            others = [
                tried.result.score
                for tried in outcome.tried
                if tried.result.configuration == row.configuration
                and not tried.has_changes
                and tried.seed != own_seed
            ]
            known = [score for score in others if score is not None]
            axes.plot(known, [place] * len(known), "o", color=colour, markerfacecolor="white")
            if row.score is not None:
                axes.plot(row.score, place, "o", color=colour)
            if row.seeds and row.seeds.mean is not None:
                axes.plot(row.seeds.mean, place, **MEAN_LOOK)
        axes.set_yticks(range(len(rows)), [_row_name(row) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel("dev score: accuracy, and of sts the Pearson correlation")
        axes.grid(axis="x", alpha=0.25)
        figure.legend(handles=list(_seeds_legend(rows)), loc="lower center", ncols=4)

    return drawn(Sheet(9, 1.7 + 0.3 * len(rows), left=2.1), head, draw)


def _seeds_legend(rows: Sequence[Result]) -> Iterator[Line2D]:
    """Yield what each mark of a figure of seeds means."""
    for mode, colour in COLOURS.items():
        if any(row.mode == mode for row in rows):
            look: dict[str, Any] = {"color": colour, "linestyle": "", "marker": "o"}
            yield Line2D([], [], label=f"{mode}, seed of Table 3", **look)
            yield Line2D([], [], label=f"{mode}, other seeds", markerfacecolor="white", **look)
    yield Line2D([], [], linestyle="", label="mean over seeds", **MEAN_LOOK)
    if any(row.paper_score is not None for row in rows):
        yield Line2D([], [], linestyle="", marker="D", label="paper", **PAPER_LOOK)


MEAN_LOOK: dict[str, Any] = {
    "color": "black",
    "marker": "|",
    "markersize": 15,
    "markeredgewidth": 1.5,
}
PAPER_LOOK: dict[str, Any] = {
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markersize": 6,
}


def _row_name(row: Result) -> str:
    told = f"{row.corpus}  {row.scheme}  {row.mode}"
    return told if row.is_papers else row.configuration


def data_histograms(validations: Mapping[CorpusName, Mapping[str, Any]], head: str) -> str:
    """Draw each corpus's sentence lengths and labels, as shares of each split."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(validations), 2, width_ratios=(3, 2), squeeze=False)
        for (left, right), (corpus, found) in zip(panels, validations.items(), strict=True):
            _lengths(left, found["length_counts"])
            left.set_title(CORPORA[corpus].title, loc="left")
            _labels(right, found["label_balance"])
        for axes in panels[:, 0]:
            axes.set_ylabel("share of sentences")
        panels[-1, 0].set_xlabel("words of a sentence; the longest 1 % are left out")
        panels[-1, 1].set_xlabel("label, similarities by the nearest whole number")
        handles = [
            Line2D([], [], color=colour, label=split) for split, colour in SPLIT_COLOURS.items()
        ]
        figure.legend(handles=handles, loc="lower center", ncols=3)

    return drawn(Sheet(9, 2.1 * len(validations) + 0.8, between_rows=0.55), head, draw)


def _lengths(axes: Any, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the share of a split's sentences with each number of words."""
    shares = {split: _sorted_counts(counts[split]) for split in SPLITS if counts[split]}
    if not shares:
        return
    longest = max(_almost_longest(words, number) for words, number in shares.values())
    edges = np.linspace(0, max(longest, NUM_BARS), NUM_BARS + 1)
    for split, (words, number) in shares.items():
        heights, _ = np.histogram(words, edges, weights=number / number.sum())
        axes.stairs(heights, edges, color=SPLIT_COLOURS[split], linewidth=1.2)
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0)


def _sorted_counts(counts: Mapping[str, int]) -> tuple[Any, Any]:
    """Return numbers of words in rising order, and how many sentences have them."""
    words = np.array(sorted(map(int, counts)))
    return words, np.array([counts[str(word)] for word in words])


def _almost_longest(words: Any, counts: Any) -> int:
    """Return the length that 99 % of sentences do not exceed."""
    below = np.cumsum(counts) / counts.sum()
    return int(words[np.searchsorted(below, 0.99)])


def _labels(axes: Any, balance: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the share of a split's examples with each label; test splits may have none."""
    known = [split for split in SPLITS if balance[split]]
    for place, split in enumerate(known):
        shares = np.array(list(balance[split].values())) / sum(balance[split].values())
        left = np.arange(len(shares)) + (place - (len(known) - 1) / 2) * 0.3
        axes.bar(left, shares, width=0.28, color=SPLIT_COLOURS[split])
        axes.set_xticks(range(len(shares)), list(balance[split]))
    axes.set_ylabel("share of examples")
