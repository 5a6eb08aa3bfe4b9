"""The figure of `python -m benchmarks.dead_heads`: every seed at the paper's turns, by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from pipeline.core.paper import TABLE_3
from pipeline.core.tasks import IdleHeads, PairEncoding
from pipeline.reporting.dead_heads import HeadsRun, Vectors, chosen
from pipeline.reporting.drawing import FAINT, Sheet, drawn, labelled

COLUMNS: Mapping[Vectors, str] = {
    "bert-like": "vectors like bert-base's",
    "control": "control: no shared direction",
    "minilm": "MiniLM's own vectors",
}
COLOURS: Mapping[IdleHeads, str] = {"step": "#D55E00", "skip": "#0072B2"}
STYLES: Mapping[PairEncoding, str] = {"joint": "-", "separate": ":"}


def figure(runs: Sequence[HeadsRun]) -> str:
    """Draw SST, STS and the share of zeros as SVG; no line where STS is undefined."""
    papers = [TABLE_3[corpus, "multi-task", "pretrain"] for corpus in ("sst", "sts")]

    def draw(paper: Figure) -> None:
        panels = paper.subplots(3, len(COLUMNS), sharex=True, sharey="row", squeeze=False)
        for column, (vectors, title) in enumerate(COLUMNS.items()):
            sst, sts, zeros = panels[:, column]
            for run in chosen(runs, turns="paper", vectors=vectors).runs:
                _draw_seed(sst, run, run.scores["sst"])
                _draw_seed(sts, run, run.scores["sts"])
                _draw_seed(zeros, run, run.zeros)
            for axes, score in zip((sst, sts), papers, strict=True):
                axes.axhline(score, color="black", linestyle="-.", label="paper", **FAINT)
            labelled(sst, "", "SST accuracy" if column == 0 else "", title)
            labelled(sts, "", "STS correlation" if column == 0 else "")
            labelled(zeros, "epoch", "STS: share of zeros" if column == 0 else "")
        handles = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
        paper.legend(handles.values(), handles, loc="lower center", ncols=len(handles))

    head = "the paper's turns (1 SST : 66 Quora : 2 STS); a line for each seed, where it is defined"
    return drawn(Sheet(9, 7.2, top=0.8, between_columns=0.25, between_rows=0.25), head, draw)


def _draw_seed(axes: Any, run: HeadsRun, values: Sequence[float | None]) -> None:
    idle_heads, encoding = run.condition.idle_heads, run.condition.pair_encoding
    axes.plot(
        range(1, len(values) + 1),
        [float("nan") if value is None else value for value in values],
        color=COLOURS[idle_heads],
        linestyle=STYLES[encoding],
        label=f"{idle_heads}, {encoding}",
        linewidth=0.9,
        alpha=0.6,
    )
