"""AdamW at a constant rate (section 5.3)."""

import torch
from torch import nn

from pipeline.params import OptimizerParams


def new_optimizer(
    module: nn.Module, learning_rate: float, params: OptimizerParams, fused: bool
) -> torch.optim.AdamW:
    """Make the optimizer of all parameters of a module.

    Args:
        module: on the device it is trained on.
        learning_rate: constant over all steps.
        params: weight decay, betas, epsilon.
        fused: update all parameters in one kernel.
    """
    return torch.optim.AdamW(
        module.parameters(),
        lr=learning_rate,
        betas=params.betas,
        eps=params.epsilon,
        weight_decay=params.weight_decay,
        fused=fused,
    )
