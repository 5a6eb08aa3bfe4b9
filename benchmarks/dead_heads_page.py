"""The page and the figure of `python -m benchmarks.dead_heads`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.paper import TABLE_3, Scheme
from pipeline.reporting.dead_heads import (
    COMMAND,
    HEADS,
    NOT_SHOWN,
    VECTORS,
    Group,
    HeadsRun,
    Turns,
    Vectors,
    chosen,
    sentiment_told,
    shown,
    similarity_told,
)
from pipeline.reporting.drawing import FAINT, INK, Sheet, drawn
from pipeline.reporting.markdown import table
from pipeline.tasks import IdleHeads, Mode, PairEncoding

PAGE = Path("reports/dead-heads.md")
FIGURE = Path("reports/dead-heads.svg")

TURNS_TOLD: Mapping[Turns, str] = {"paper": "1 : 66 : 2", "ours": "1 : 7 : 2"}
VECTORS_TOLD: Mapping[Vectors, str] = {
    "bert-like": "of bert-base's kind",
    "control": "control: no shared direction",
    "minilm": "MiniLM's own",
}
HEADER = (
    "Turns",
    "Pooled vectors",
    "Idle heads",
    "Pairs",
    "Seeds",
    "STS dead",
    "STS, if alive",
    "SST, best",
    "SST, last",
    "Quora, last",
)
ASKED = """\
With a frozen backbone the paper's multi-task heads score SST .256, STS .001 or NaN ("predicted
values … were all zero") and Quora .760, as good as alone (Table 3, section 6). Section 6 concludes
that training only the task-specific layers "is not good for the multi-task setup". Frozen heads
share no parameter, so one task cannot harm another. What can: before torch 2.0, `zero_grad` filled
gradients with 0, and AdamW went on moving a head that had no turn on what its last turns had left
in its moments. At the paper's sizes a round is 1 batch of SST, 66 of Quora and 2 of STS, so SST's
and STS's heads are idle most of the time. Does that kill them?"""

METHOD = """\
`{command}` trains the three heads with the pipeline's own `Trainer` on the
stored vectors of profile {profile} (backbone {backbone}), as the run `multitask-pretrain` does:
AdamW at {learning_rate:g}, batches of {sst} SST, {quora} Quora and {sts} STS examples, losses
weighted by 1 / R, dropout {dropout:g}, {epochs} epochs. It changes four things:

- **Turns**: the paper's batches in an epoch (134 SST, 8,845 Quora, 378 STS; our 16,170 Quora pairs
  come again and again), or ours.
- **Idle heads**: `step` moves them as torch did before 2.0, `skip` leaves them alone as torch does
  today.
- **Pairs**: read jointly, as one sequence, or separately.
- **Pooled vectors**, which the heads of SST and STS read: MiniLM's own; or of bert-base's kind, a
  direction that all examples share (0.6 in every dimension, with a random sign) plus 0.15 of the
  standardised MiniLM vector, cut to [-1, 1]; or the same without the shared direction, as a
  control. Quora's head reads means of token vectors, and has MiniLM's own everywhere.

The direction comes from another random stream than the heads' initial weights. Each seed has its
own weights, order of examples and dropout; seeds are trained side by side in one trainer. Torch
{torch}, one CPU thread. Numbers: [dead-heads.json](dead-heads.json)."""

READING = """\
*STS dead*: heads that answer 0 to every dev example after the last epoch, so that the correlation
is undefined. *STS, if alive*: Pearson correlation of the others, last epoch. *Best*: each seed's
best epoch. Mean ± standard deviation over seeds. The paper reports its best epoch."""


def page(method: Mapping[str, Any], runs: Sequence[HeadsRun]) -> str:
    """Render the page."""
    parts = [
        "# Why does frozen multi-task fail in the paper?",
        ASKED,
        "## What was found",
        *similarity_told(runs),
        *sentiment_told(runs),
        table(HEADER, list(rows_of(runs)), right=("Seeds", "STS dead")),
        READING,
        NOT_SHOWN,
        "![SST accuracy, STS correlation and the share of zeros, by epoch](dead-heads.svg)",
        "## How",
        METHOD.format(command=COMMAND, **method, **method["batch_size"]),
    ]
    return "\n\n".join(parts) + "\n"


def rows_of(runs: Sequence[HeadsRun]) -> Iterator[list[str]]:
    """Yield a row for each condition that was tried, and one for the paper."""
    for condition in dict.fromkeys(run.condition for run in runs):
        group = Group([run for run in runs if run.condition == condition])
        yield [
            TURNS_TOLD[condition.turns],
            VECTORS_TOLD[condition.vectors],
            condition.idle_heads,
            condition.pair_encoding,
            str(len(group.runs)),
            group.dead,
            shown(group.last("sts")),
            shown(group.best("sst")),
            shown(group.last("sst")),
            shown(group.last("quora")),
        ]
    paper = {name: f"{TABLE_3[name, 'multi-task', 'pretrain']:.3f}" for name in HEADS}
    told = ["bert-base's", "not told", "not told", "", "in some epochs"]
    yield ["the paper", *told, paper["sts"], paper["sst"], "", paper["quora"]]


ROWS = ("SST accuracy", "STS correlation", "STS: share of zeros")
COLOURS: Mapping[IdleHeads, str] = {"step": "#D55E00", "skip": "#0072B2"}
STYLES: Mapping[PairEncoding, Literal["-", ":"]] = {"joint": "-", "separate": ":"}
THIN: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.6}


def figure(method: Mapping[str, Any], runs: Sequence[HeadsRun]) -> str:
    """Draw every seed at the paper's turns: a column for each kind of vectors."""
    key: tuple[Scheme, Mode] = ("multi-task", "pretrain")
    papers = (TABLE_3["sst", *key], TABLE_3["sts", *key])

    kinds = [vectors for vectors in VECTORS if chosen(runs, turns="paper", vectors=vectors).runs]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(ROWS), len(kinds), sharex=True, sharey="row", squeeze=False)
        for column, vectors in enumerate(kinds):
            for run in chosen(runs, turns="paper", vectors=vectors).runs:
                _draw_run(panels[:, column], run)
            panels[0, column].set_title(VECTORS_TOLD[vectors])
            panels[-1, column].set_xlabel("epoch")
            panels[-1, column].xaxis.set_major_locator(MaxNLocator(integer=True))
            for axes, score in zip(panels[:, column], papers, strict=False):
                axes.axhline(score, color="black", linestyle="-.", **FAINT)
            _name_undefined(panels[1, column], chosen(runs, turns="paper", vectors=vectors))
        for axes, title in zip(panels[:, 0], ROWS, strict=True):
            axes.set_ylabel(title)
        for axes in panels.ravel():
            axes.grid(alpha=0.25)
        panels[-1, 0].set_ylim(-0.05, 1.05)
        figure.align_ylabels()
        figure.legend(handles=list(_legend()), loc="lower center", ncols=5)

    head = (
        f"the paper's turns, 1 SST : 66 Quora : 2 STS · profile {method['profile']} · backbone "
        f"{method['backbone']} · a line for each seed, and none where STS is undefined"
    )
    return drawn(Sheet(9, 7.2, top=0.8, between_columns=0.25, between_rows=0.25), head, draw)


def _draw_run(panels: Any, run: HeadsRun) -> None:
    epochs = range(1, len(run.zeros) + 1)
    look = {
        "color": COLOURS[run.condition.idle_heads],
        "linestyle": STYLES[run.condition.pair_encoding],
        **THIN,
    }
    for axes, values in zip(panels, (run.scores["sst"], run.scores["sts"], run.zeros), strict=True):
        axes.plot(epochs, [float("nan") if value is None else value for value in values], **look)


def _name_undefined(axes: Any, group: Group) -> None:
    """Write where the lines of idle heads are that have no STS score at all."""
    for idle_heads in COLOURS:
        runs = chosen(group.runs, idle_heads=idle_heads).runs
        if runs and all(run.best("sts") is None for run in runs):
            told = f"{idle_heads}: undefined in every epoch"
            axes.text(0.5, 0.1, told, transform=axes.transAxes, ha="center", color=INK)


def _legend() -> Iterator[Line2D]:
    for idle_heads, colour in COLOURS.items():
        for encoding, style in STYLES.items():
            label = f"{idle_heads}, {encoding}"
            yield Line2D([], [], color=colour, linestyle=style, label=label)
    yield Line2D([], [], color="black", linestyle="-.", label="paper", **FAINT)
