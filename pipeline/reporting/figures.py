"""Learning curves as SVG with the same bytes for the same numbers."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.params import Params
from pipeline.reporting.results import EpochScore, Outcome
from pipeline.tasks import CORPORA, CorpusName, Mode

COLOURS: dict[Mode, str] = {"pretrain": "#E69F00", "finetune": "#0072B2"}  # told apart by all eyes
STYLES = {"single-task": "-", "multi-task": "--"}
MARKERS = {"single-task": "o", "multi-task": "s"}


def learning_curves(params: Params, outcome: Outcome, head: str) -> str:
    """Draw the dev score of every run after each epoch, one panel for each corpus.

    Dotted lines are the paper's scores; an undefined score leaves a gap.
    """
    settings: dict[Any, Any] = {"svg.hashsalt": "minbert", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9, 6.4), facecolor="white", layout="constrained")
        panels = figure.subplots(2, 2).ravel()
        for axes, corpus in zip(panels, CORPORA, strict=True):
            _panel(axes, params, outcome, corpus)
        handles = {
            label: handle
            for axes in panels
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
        figure.suptitle(head, fontsize=9)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at line ends, which git marks in diffs
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _panel(axes: Any, params: Params, outcome: Outcome, corpus: CorpusName) -> None:
    for result in outcome.results:
        if result.corpus != corpus:
            continue
        epochs, scores = _curve(outcome.histories[result.run], corpus)
        axes.plot(
            epochs,
            scores,
            color=COLOURS[result.mode],
            linestyle=STYLES[result.scheme],
            marker=MARKERS[result.scheme],
            markersize=4,
            label=f"{result.scheme} {result.mode}",
        )
        if result.paper_score is not None:
            axes.axhline(
                result.paper_score,
                color=COLOURS[result.mode],
                linestyle=":",
                linewidth=0.9,
                alpha=0.6,
                label="the paper's score" if result.mode == "finetune" else None,
            )
    longest = max(params.epochs(run) for run in params.runs.values())
    axes.set_xticks(range(1, longest + 1))
    axes.set_title(CORPORA[corpus].title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"dev {CORPORA[corpus].task.metric}")
    axes.grid(alpha=0.25)


def _curve(history: Sequence[EpochScore], corpus: CorpusName) -> tuple[list[int], list[float]]:
    rows = [row for row in history if row.corpus == corpus]
    scores = [float("nan") if row.dev_score is None else row.dev_score for row in rows]
    return [row.epoch for row in rows], scores
