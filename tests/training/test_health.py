"""Health: gradient norms from AdamW, and notes. test_loop.py has what ends a run."""

import math

import numpy as np
import pytest
import torch

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.training.health import dev_notes, gradient_norm, growth_notes
from pipeline.training.history import EpochRow
from pipeline.training.optimizer import new_optimizer
from tests.training.conftest import PLAN


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("fused", [True, False])
def test_equal_gradients_give_their_norm_and_nan_gives_none(steps: int, fused: bool) -> None:
    layer = torch.nn.Linear(3, 2)
    optimizer = new_optimizer(layer, 1e-3, PLAN.optimizer, fused)
    assert gradient_norm(optimizer) is None
    for _ in range(steps):
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, 2.0)
        optimizer.step()
    assert gradient_norm(optimizer) == pytest.approx(2.0 * math.sqrt(8), rel=1e-3)
    layer.weight.grad = torch.full_like(layer.weight, math.nan)
    optimizer.step()
    assert math.isnan(gradient_norm(optimizer) or 0.0)


@pytest.mark.parametrize(
    ("corpus", "predictions", "labels", "notes"),
    [
        ("sst", [0, 1], [0, 1], []),
        ("sst", [], [], ["the dev set is empty"]),
        ("sst", [0, 1], [2, 2], ["every label of the dev set is 2"]),
        ("sst", [3, 3], [0, 1], ["every prediction for the dev set is 3"]),
        (
            "sts",
            [0, 0],
            [0.5, 4],
            ["the head is dead: it predicts 0 for every dev example and learns no more"],
        ),
        ("sts", [2.5, 2.5], [0.5, 4], ["every prediction for the dev set is 2.5"]),
        ("sts", [math.nan, 1], [0.5, 4], []),
    ],
)
def test_dev_sets_that_say_little_are_named(
    corpus: CorpusName, predictions: list[float], labels: list[float], notes: list[str]
) -> None:
    assert list(dev_notes(CORPORA[corpus], np.array(predictions), np.array(labels))) == notes


def row(epoch: int, loss: float | None, norm: float | None, corpus: CorpusName = "sst") -> EpochRow:
    return EpochRow(epoch, corpus, 10, 160, loss, norm, "accuracy", 0.5, "")


def test_growth_is_relative_to_the_first_loss_and_the_last_norm() -> None:
    before = [row(1, 1.0, 2.0), row(2, 0.1, 1.0), row(1, 9.0, 9.0, "quora")]
    assert list(growth_notes(before, row(3, 2.9, 29.0))) == []
    assert list(growth_notes(before, row(3, 3.1, 31.0))) == [
        "the loss diverges: 3.1 after 1 in epoch 1",
        "gradients explode: their norm is 31 after 1",
    ]
    assert list(growth_notes([], row(1, 100.0, 1e9))) == []
    assert list(growth_notes(before, row(3, None, None))) == []
