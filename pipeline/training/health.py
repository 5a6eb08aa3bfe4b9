"""Checks of the losses, gradients and predictions of a training run.

There are two kinds. A loss, gradient or prediction that is not finite ends the run: its weights are
useless, and the last good ones are kept. Anything else becomes a note, and training continues:
a dead head (the paper's NaN), a dev set with a single label, a growing loss or growing gradients.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.core.tasks import Corpus, CorpusName
from pipeline.encoder.thread_order import one_thread
from pipeline.heads.metrics import Values
from pipeline.training.history import EpochRow

DIVERGING = 3.0  # times the loss of the first epoch
EXPLODING = 30.0  # times the last epoch's norm: one step with 1000 times the norm exceeds it


class NotFiniteError(Exception):
    """A loss, gradient or prediction is not finite; `args` are the corpus and the reason."""


def check_finite(losses: Mapping[CorpusName, Sequence[Tensor]], norm: float | None) -> None:
    """Check the gradient norm and the losses of an epoch (one scalar per step, on any device).

    Raises:
        NotFiniteError: the norm or a loss is not finite.
    """
    for corpus, each in losses.items():
        for step in not_finite(each):
            raise NotFiniteError(corpus, f"the loss is {each[step].item()} in step {step + 1}")
    if norm is not None and not math.isfinite(norm):
        raise NotFiniteError(next(iter(losses)), "gradients are not finite")


def not_finite(losses: Sequence[Tensor]) -> list[int]:
    """Return the positions of the losses that are not finite."""
    values = torch.stack(list(losses)).cpu() if losses else torch.empty(0)
    positions: list[int] = (~values.isfinite()).nonzero().flatten().tolist()
    return positions


def gradient_norm(optimizer: torch.optim.AdamW) -> float | None:
    """Return the root mean square of the gradient norm over the last steps.

    AdamW keeps a running mean of each squared gradient over about 1 / (1 - beta2) steps. Their sum,
    with the bias correction of AdamW, is the mean squared norm. The steps compute nothing extra.

    Returns:
        The norm, or None before the first step.
    """
    (group,) = optimizer.param_groups
    total, beta2 = 0.0, group["betas"][1]
    with one_thread():
        for state in filter(None, map(optimizer.state.get, group["params"])):
            total += float(state["exp_avg_sq"].sum()) / (1.0 - beta2 ** float(state["step"]))
    if not optimizer.state:
        return None
    return math.sqrt(total) if total >= 0.0 else math.nan


def dev_notes(corpus: Corpus, predictions: Values, labels: Values) -> Iterator[str]:
    """Yield reasons why a dev score says little or nothing about the model.

    Args:
        corpus: the corpus of the dev set.
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
    """Yield a note if the loss or the gradients are much larger than in earlier epochs."""
    before = [earlier for earlier in history if earlier.corpus == row.corpus]
    if not before:
        return
    loss, first = row.train_loss, before[0].train_loss
    if loss and first and loss > DIVERGING * first:
        yield f"the loss diverges: {loss:.3g} after {first:.3g} in epoch 1"
    norm, last = row.gradient_norm, before[-1].gradient_norm
    if norm and last and norm > EXPLODING * last:
        yield f"gradients explode: their norm is {norm:.3g} after {last:.3g}"
