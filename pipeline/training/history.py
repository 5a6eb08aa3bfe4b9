"""What happened in each epoch, and which epoch was best."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pipeline.core.files import write_text
from pipeline.core.tasks import CorpusName, Metric


@dataclass(frozen=True)
class EpochRow:
    """What happened to one corpus in one epoch."""

    epoch: int  # from 1
    corpus: CorpusName
    steps: int
    examples: int
    train_loss: float | None  # mean over the steps of the epoch, without the weight of Equation 1
    gradient_norm: float | None  # of the whole model, over the last steps (training/health.py)
    dev_metric: Metric
    dev_score: float | None  # None where the metric is undefined
    note: str  # what went wrong, or ""


def write_history(path: Path, history: Sequence[EpochRow]) -> None:
    """Write history.csv; undefined values become empty fields."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(EpochRow))
    for row in history:
        writer.writerow(f"{v:.6f}" if isinstance(v, float) else v for v in astuple(row))
    write_text(path, text.getvalue())


def mean_score(rows: Sequence[EpochRow]) -> float:
    """Return the mean dev score of one epoch over its corpora, which selects the best epoch.

    An undefined score counts as -1, the lowest possible correlation, so such an epoch is selected
    only if there is no better one.
    """
    scores = [-1.0 if row.dev_score is None else row.dev_score for row in rows]
    return sum(scores) / len(scores)


def best_epoch_of(history: Sequence[EpochRow], corpus: CorpusName) -> int | None:
    """Return the epoch with the highest dev score of a corpus; the earliest one in a tie.

    Return None if the score is undefined in every epoch.
    """
    scores = {row.epoch: row.dev_score for row in history if row.corpus == corpus}
    defined = [(score, -epoch) for epoch, score in scores.items() if score is not None]
    return -max(defined)[1] if defined else None
