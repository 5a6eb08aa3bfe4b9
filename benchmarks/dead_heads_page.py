"""The page of `python -m benchmarks.dead_heads`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.core.paper import TABLE_3
from pipeline.reporting.dead_heads import (
    COMMAND,
    HEADS,
    NOT_SHOWN,
    Group,
    HeadsRun,
    Turns,
    Vectors,
    sentiment_told,
    shown,
    similarity_told,
)
from pipeline.reporting.markdown import table

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
own weights, order of examples and dropout. Torch {torch}, one CPU thread. Numbers, by epoch:
[dead-heads.json](dead-heads.json)."""

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
