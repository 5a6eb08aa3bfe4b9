"""Learning curves as SVG with the same bytes for the same numbers."""

import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.paper import Scheme
from pipeline.params import Params
from pipeline.reporting.results import EpochScore, Outcome, Result
from pipeline.tasks import CORPORA, CorpusName, Mode

# Okabe and Ito's vermilion and blue: told apart by all eyes, and dark enough for white paper
COLOURS: dict[Mode, str] = {"pretrain": "#D55E00", "finetune": "#0072B2"}
STYLES: dict[Scheme, str] = {"single-task": "-", "multi-task": "--"}
PAPER_STYLES: dict[Scheme, str] = {"single-task": ":", "multi-task": "-."}
# hollow, so that a curve below shows through one that lies on it
MARKERS: dict[Scheme, dict[str, str]] = {
    "single-task": {"marker": "o"},
    "multi-task": {"marker": "s", "markerfacecolor": "white"},
}
FAINT: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}  # the paper's scores
HEAD_WIDTH = 110  # characters of font size 9 that the figure is wide


def learning_curves(params: Params, outcome: Outcome, head: str) -> str:
    """Draw the dev score of every run after each epoch, one panel for each corpus.

    Faint lines are the paper's scores; an undefined score leaves a gap.
    """
    settings: dict[Any, Any] = {"svg.hashsalt": "minbert", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9, 6.6), facecolor="white", layout="constrained")
        panels = figure.subplots(2, 2).ravel()
        for axes, corpus in zip(panels, CORPORA, strict=True):
            _panel(axes, params, outcome, corpus)
        figure.legend(handles=list(_legend(outcome.results)), loc="outside lower center", ncols=3)
        figure.suptitle(textwrap.fill(head, HEAD_WIDTH), fontsize=9)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at line ends, which git marks in diffs
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


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
