"""AdamW with a constant learning rate (section 5.3), and updates of idle heads."""

from inspect import unwrap

import torch
from torch import nn

from pipeline.plumbing.params import OptimizerParams


class AdamW(torch.optim.AdamW):
    """The AdamW of torch, without the wrappers of its methods for torch.compile.

    They load torch._dynamo, which takes a second of CPU time, and nothing here is compiled.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def new_optimizer(
    module: nn.Module, learning_rate: float, params: OptimizerParams, fused: bool
) -> AdamW:
    """Make an optimizer for all parameters of a module.

    Args:
        module: already on the device where it is trained.
        learning_rate: the same for all steps.
        params: weight decay, betas, epsilon.
        fused: whether one kernel updates all parameters.
    """
    return AdamW(
        module.parameters(),
        lr=learning_rate,
        betas=params.betas,
        eps=params.epsilon,
        weight_decay=params.weight_decay,
        fused=fused,
    )


def add_zero_gradients(optimizer: torch.optim.AdamW) -> None:
    """Set the gradient to 0 where a parameter has moments but got no gradient in this step.

    AdamW then updates the parameter from its moments alone, as it did before torch 2.0, where
    `zero_grad` set every existing gradient to 0. Today it sets them to None, and the optimizer
    skips these parameters. Only a parameter that was updated before has moments; as checkpoints
    contain them, a resumed training does the same.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is None and optimizer.state.get(parameter):
                parameter.grad = torch.zeros_like(parameter)
