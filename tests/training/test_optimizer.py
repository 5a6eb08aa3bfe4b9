"""AdamW: the plain update rule, by hand."""

import pytest
from torch import nn

from pipeline.params import OptimizerParams
from pipeline.training.optimizer import new_optimizer


def params(weight_decay: float) -> OptimizerParams:
    return OptimizerParams(weight_decay=weight_decay, betas=(0.9, 0.999), epsilon=1e-6)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_first_step_moves_by_the_rate_against_the_gradient(
    weight_decay: float, fused: bool
) -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    optimizer = new_optimizer(layer, 0.01, params(weight_decay), fused)
    (layer.weight * 5).sum().backward()
    optimizer.step()
    # with bias correction the first step is rate * sign(gradient), after decay by rate * decay
    assert layer.weight.item() == pytest.approx(2.0 * (1 - 0.01 * weight_decay) - 0.01, abs=1e-6)
