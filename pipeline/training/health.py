"""Numbers that go wrong in training: what is looked at, and what is said of it.

Two kinds. A loss, a gradient or a prediction that is no finite number ends the run: its weights
are spoilt, and the last good ones are kept. All else is a note beside the epoch, and the run
goes on: a dead head (the paper's NaN), a dev set that cannot tell good from bad, a loss or
gradients that grow.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.metrics import Values
from pipeline.tasks import Corpus
from pipeline.training.history import EpochRow

DIVERGING = 3.0  # times the first epoch's loss
EXPLODING = 30.0  # times the last epoch's gradient norm: one step of a 1000-fold norm does that


def not_finite(losses: Sequence[Tensor]) -> str | None:
    """Say which of a corpus's losses, scalars on any device, is the first that is not finite."""
    if not losses:
        return None
    values = torch.stack(list(losses)).cpu()
    wrong = (~values.isfinite()).nonzero().flatten()
    if not len(wrong):
        return None
    return f"the loss is {float(values[wrong[0]])} in step {int(wrong[0]) + 1}"


def gradient_norm(optimizer: torch.optim.AdamW) -> float | None:
    """Return the root mean square of the gradient's norm over the last steps.

    AdamW keeps a running mean of every gradient's square, over 1 / (1 - beta2) steps; their sum,
    corrected as AdamW corrects it, is the mean square of the norm. Nothing is computed in a step.

    Returns:
        The norm, or None before the first step.
    """
    total, seen = 0.0, False
    for group in optimizer.param_groups:
        beta2 = group["betas"][1]
        for parameter in group["params"]:
            state = optimizer.state.get(parameter)
            if state:
                seen = True
                mean_square = float(state["exp_avg_sq"].sum())
                total += mean_square / (1.0 - beta2 ** float(state["step"]))
    return math.sqrt(total) if seen and total >= 0.0 else (math.nan if seen else None)


def dev_notes(corpus: Corpus, predictions: Values, labels: Values) -> Iterator[str]:
    """Yield what makes a dev score mean little or nothing.

    Args:
        corpus: whose dev set.
        predictions: float [N].
        labels: float [N].
    """
    if not len(labels):
        yield "the dev set is empty"
        return
    if np.ptp(labels) == 0:
        yield f"every label of the dev set is {labels[0]:g}"
    if not np.isfinite(predictions).all() or np.ptp(predictions) > 0:
        return
    if not corpus.has_classes and predictions[0] == 0:
        yield "the head is dead: it predicts 0 for every dev example and learns no more"
    else:
        yield f"every prediction for the dev set is {predictions[0]:g}"


def growth_notes(history: Sequence[EpochRow], row: EpochRow) -> Iterator[str]:
    """Yield what says that an epoch went astray, by the epochs of its corpus before it."""
    before = [earlier for earlier in history if earlier.corpus == row.corpus]
    if not before:
        return
    first, last = before[0], before[-1]
    if row.train_loss and first.train_loss and row.train_loss > DIVERGING * first.train_loss:
        yield f"the loss diverges: {row.train_loss:.3g} after {first.train_loss:.3g} in epoch 1"
    if (
        row.gradient_norm
        and last.gradient_norm
        and row.gradient_norm > EXPLODING * last.gradient_norm
    ):
        now, then = row.gradient_norm, last.gradient_norm
        yield f"gradients explode: their norm is {now:.3g} after {then:.3g}"
