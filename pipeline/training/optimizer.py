"""AdamW at a constant rate (section 5.3), and what it does to a head that has no turn."""

from inspect import unwrap

import torch
from torch import nn

from pipeline.plumbing.params import OptimizerParams


class AdamW(torch.optim.AdamW):
    """torch's, without what torch.compile needs around its methods.

    That loads torch._dynamo, which takes a second of processor time, and nothing here is compiled.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def new_optimizer(
    module: nn.Module, learning_rate: float, params: OptimizerParams, fused: bool
) -> AdamW:
    """Make the optimizer of all parameters of a module.

    Args:
        module: on the device it is trained on.
        learning_rate: constant over all steps.
        params: weight decay, betas, epsilon.
        fused: update all parameters in one kernel.
    """
    return AdamW(
        module.parameters(),
        lr=learning_rate,
        betas=params.betas,
        eps=params.epsilon,
        weight_decay=params.weight_decay,
        fused=fused,
    )


def step_idle_too(optimizer: torch.optim.AdamW) -> None:
    """Give a gradient of 0 to each parameter with moments that the backward pass did not reach.

    AdamW then moves on what the parameter's last turns left in its moments, as it did before torch
    2.0: `zero_grad` filled gradients with 0 there, and a parameter that had one kept one. Today
    they become None, and the optimizer passes over them. The moments tell who had a turn, so a
    training that goes on from a checkpoint does the same.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is None and optimizer.state.get(parameter):
                parameter.grad = torch.zeros_like(parameter)
