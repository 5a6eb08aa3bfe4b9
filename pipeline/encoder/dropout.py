"""Dropout that costs less than the matrix product beside it.

On a CPU torch draws one Bernoulli number for each element, which takes as long as a linear
layer. Here one random 64-bit word serves four bfloat16 or two float32 elements, and the mask is
a bit pattern: all ones keep a number, all zeros make it 0.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

INT_OF: dict[torch.dtype, torch.dtype] = {  # the integer of a float's width
    torch.bfloat16: torch.int16,
    torch.float16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
RANDOM_BITS = {torch.int16: 15, torch.int32: 31}  # of a word's quarter or half, less its sign
WORDS = {torch.int16: 4, torch.int32: 2}  # masks in 64 bits


def keep_mask(like: Tensor, p: float, *, cheap: bool) -> tuple[Tensor, float]:
    """Draw which elements dropout keeps.

    Args:
        like: of the shape and type of what is dropped.
        p: the fraction set to 0; the cheap mask rounds it to its number of random bits, to
            3e-5 at worst.
        cheap: whether to cut random words into masks instead of drawing Bernoulli numbers.

    Returns:
        An integer as wide as the float for each element, all bits 1 where it is kept and 0
        elsewhere; and what kept elements are multiplied by, so that the mean stays.
    """
    integer = INT_OF[like.dtype]
    if not cheap or integer not in RANDOM_BITS:
        kept = torch.empty(like.shape, dtype=torch.bool, device=like.device).bernoulli_(1 - p)
        return kept.to(integer).neg_(), 1 / (1 - p)
    bits, words = RANDOM_BITS[integer], WORDS[integer]
    threshold = round((1 - p) * 2**bits)
    drawn = torch.empty(-(-like.numel() // words), dtype=torch.int64, device=like.device).random_()
    uniform = drawn.view(integer)[: like.numel()].view(like.shape).bitwise_and_(2**bits - 1)
    # below the threshold the difference is negative; its sign, shifted over all bits, is the mask
    return uniform.sub_(threshold).bitwise_right_shift_(bits), 2**bits / threshold


def masked(values: Tensor, keep: Tensor | None) -> Tensor:
    """Return the values with 0 where `keep` has it; without a mask all of them."""
    return values if keep is None else (values.view(keep.dtype) & keep).view(values.dtype)


class _CheapDropout(torch.autograd.Function):
    """Zero some elements and scale the rest; the gradient takes the same way."""

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
    """Dropout in training, nothing in evaluation."""

    def __init__(self, p: float, *, cheap: bool) -> None:
        super().__init__()
        self.p = p
        self.cheap = cheap

    def forward(self, values: Tensor) -> Tensor:
        """Set a fraction `p` of the values, of any shape, to 0 and scale the rest."""
        if self.cheap and self.training and self.p and values.device.type == "cpu":
            dropped: Tensor = _CheapDropout.apply(values, self.p)  # type: ignore[no-untyped-call]
            return dropped
        return nn.functional.dropout(values, self.p, self.training)

    def draw(self, like: Tensor) -> tuple[Tensor | None, float]:
        """Draw a mask and its scale, as `keep_mask` does; no mask where nothing is dropped."""
        return (
            keep_mask(like, self.p, cheap=self.cheap) if self.training and self.p else (None, 1.0)
        )
