"""Dropout that is cheaper than the matrix product next to it.

On a CPU, torch draws one Bernoulli number for each element, which takes as long as a linear layer.
Here, one random 64-bit word yields the masks of four bfloat16 or two float32 elements. The mask of
an element is a bit pattern: all ones keep its value, all zeros set it to 0.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

INT_OF: dict[torch.dtype, torch.dtype] = {  # the integer type of the same width
    torch.bfloat16: torch.int16,
    torch.float16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
RANDOM_BITS = {torch.int16: 15, torch.int32: 31}  # per element: all but the sign bit
PER_WORD = {torch.int16: 4, torch.int32: 2}  # elements per 64-bit word


def keep_mask(like: Tensor, p: float, *, cheap: bool) -> tuple[Tensor, float]:
    """Draw the mask of the elements that dropout keeps.

    Args:
        like: a tensor with the shape and dtype of the input of dropout.
        p: the fraction to set to 0. The cheap mask rounds it to its number of random bits, by at
            most 3e-5.
        cheap: whether to split random words into masks instead of drawing Bernoulli numbers.

    Returns:
        The mask: an integer of the width of the float for each element, with all bits 1 to keep it
        and 0 to drop it; and the factor for kept elements, which preserves the mean.
    """
    integer = INT_OF[like.dtype]
    if not cheap or integer not in RANDOM_BITS:
        kept = torch.empty(like.shape, dtype=torch.bool, device=like.device).bernoulli_(1 - p)
        return kept.to(integer).neg_(), 1 / (1 - p)
    bits, words = RANDOM_BITS[integer], -(-like.numel() // PER_WORD[integer])
    threshold = round((1 - p) * 2**bits)
    drawn = torch.empty(words, dtype=torch.int64, device=like.device).random_()
    uniform = drawn.view(integer)[: like.numel()].view(like.shape).bitwise_and_(2**bits - 1)
    # below the threshold, the difference is negative; the shift copies its sign to all bits
    return uniform.sub_(threshold).bitwise_right_shift_(bits), 2**bits / threshold


def masked(values: Tensor, keep: Tensor | None) -> Tensor:
    """Set the values to 0 where the mask `keep` is 0; without a mask, return them unchanged."""
    return values if keep is None else (values.view(keep.dtype) & keep).view(values.dtype)


class _CheapDropout(torch.autograd.Function):
    """Dropout with the cheap mask, which is also applied to the gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, p: float) -> Tensor:
        keep, ctx.scale = keep_mask(values, p, cheap=True)
        ctx.save_for_backward(keep)
        return masked(values, keep).mul_(ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return masked(gradient, keep).mul_(ctx.scale), None


class Dropout(nn.Module):
    """Dropout in train mode, the identity in eval mode."""

    def __init__(self, p: float, *, cheap: bool) -> None:
        super().__init__()
        self.p = p
        self.cheap = cheap

    def forward(self, values: Tensor) -> Tensor:
        """Set a fraction `p` of the values, of any shape, to 0 and scale up the rest."""
        if self.cheap and self.training and self.p and values.device.type == "cpu":
            dropped: Tensor = _CheapDropout.apply(values, self.p)  # type: ignore[no-untyped-call]
            return dropped
        return nn.functional.dropout(values, self.p, self.training)

    def draw(self, like: Tensor) -> tuple[Tensor | None, float]:
        """Draw a mask and its scale with `keep_mask`; the mask is None if nothing is dropped."""
        return (
            keep_mask(like, self.p, cheap=self.cheap) if self.training and self.p else (None, 1.0)
        )
