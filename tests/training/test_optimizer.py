"""AdamW: the update rule by hand; test_resume.py has it in two processes."""

import math

import pytest
from torch import nn

from pipeline.plumbing.params import OptimizerParams
from pipeline.training.optimizer import add_zero_gradients, new_optimizer


def by_hand(gradients: list[float], weight: float, decay: float) -> list[float]:
    """Return a weight after each step of AdamW, as in Loshchilov and Hutter (2019)."""
    first = second = 0.0
    weights = []
    for step, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weight *= 1 - 0.01 * decay
        mean, square = first / (1 - 0.9**step), second / (1 - 0.999**step)
        weight -= 0.01 * mean / (math.sqrt(square) + 1e-6)
        weights.append(weight)
    return weights


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_idle_heads_are_stepped_with_a_zero_gradient_after_their_first_turn(
    decay: float, fused: bool
) -> None:
    """Two heads take turns b a b b a b: before 2.0, torch kept gradients as zeros."""
    heads = nn.ModuleDict({name: nn.Linear(1, 1, bias=False) for name in "ab"})
    for head in heads.values():
        nn.init.constant_(head.weight, 2.0)
    params = OptimizerParams(weight_decay=decay, betas=(0.9, 0.999), epsilon=1e-6)
    optimizer = new_optimizer(heads, 0.01, params, fused)
    seen = []
    for name in "babbab":
        optimizer.zero_grad(set_to_none=True)
        (heads[name].weight * 5).sum().backward()
        add_zero_gradients(optimizer)
        optimizer.step()
        seen.append(heads["a"].weight.item())
    # before its first turn, it has no moments and does not change; its steps count from there
    assert seen == pytest.approx([2.0, *by_hand([5, 0, 0, 5, 0], 2.0, decay)], abs=1e-6)
