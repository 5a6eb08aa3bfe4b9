"""Operations whose results do not depend on the number of threads of a CPU.

If torch divides a sum among threads, its last bits depend on their number. With bfloat16 products
in fused layers, only three sums of a training do: the parameter gradients of layer norms, the
heads' float32 products, and the norm of all gradients. Here they are computed with one thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with a single thread inside the block; this takes less than a microsecond."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class SerialLinear(nn.Linear):
    """A linear layer for a head, which is too small for several threads to pay off."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the outputs, float [B, C], of vectors, float [B, D]."""
        inputs = (vectors, self.weight, self.bias)
        return _SerialLinear.apply(*inputs)  # type: ignore[no-any-return, no-untyped-call]


class _SerialLinear(torch.autograd.Function):
    """`F.linear` and its gradients with one thread."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(vectors, weight)
        with one_thread():
            return nn.functional.linear(vectors, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        vectors, weight = ctx.saved_tensors
        with one_thread():
            of_vectors = gradient @ weight if ctx.needs_input_grad[0] else None
            return of_vectors, gradient.t() @ vectors, gradient.sum(0)


class FixedOrderLayerNorm(nn.LayerNorm):
    """Layer norm over the last dimension; its parameter gradients add rows in a fixed order."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalize vectors, float [..., D]."""
        if input.device.type != "cpu":
            return super().forward(input)
        inputs = (input, self.weight, self.bias, self.eps)
        return _LayerNorm.apply(*inputs)  # type: ignore[no-any-return, no-untyped-call]


class _LayerNorm(torch.autograd.Function):
    """torch's layer norm with `layer_norm_gradients`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        normed, mean, rstd = torch.native_layer_norm(values, weight.shape, weight, bias, eps)
        ctx.save_for_backward(values, mean, rstd, weight, bias)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *layer_norm_gradients(gradient, *ctx.saved_tensors), None


def layer_norm_gradients(
    gradient: Tensor, values: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of a layer norm's input, weight and bias.

    The parameter gradients are sums over rows, of which torch gives each thread a share. So they
    are computed with one thread, and the input's gradient with all.

    `gradient` and `values` are float [..., D], `mean` and `rstd` (the reciprocal of the standard
    deviation) float [..., 1], `weight` and `bias` float [D].
    """
    backward = torch.ops.aten.native_layer_norm_backward
    given = (gradient, values, weight.shape, mean, rstd, weight, bias)
    of_values, _, _ = backward(*given, [True, False, False])
    with one_thread():
        _, of_weight, of_bias = backward(*given, [False, True, True])
    return of_values, of_weight, of_bias
