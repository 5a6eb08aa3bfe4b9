"""An encoder layer of a few large operations: the plain layer, but faster on a CPU.

There are three differences: everything except attention skips padding (`pack_tokens`); one product
computes query, key and value; and attention and dropout + add + norm have hand-written gradients,
so that each takes one pass over its data, in the dtype of the products. The results are the same,
except that under autocast the sums between the products are also rounded to its dtype.
tests/encoder/test_fused.py compares the layer with the plain one, and its gradients with finite
differences.

Shapes: [N, D] for the N computed tokens, packed; [B, T, ...] for examples with padding; Q query
tokens per example; H heads of size K.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.core.config import BertConfig
from pipeline.encoder.bert import AddAndNorm, EncoderLayer, at_queries, attention_bias
from pipeline.encoder.dropout import Dropout, masked
from pipeline.encoder.kernels import Kernels
from pipeline.encoder.thread_order import layer_norm_gradients

SCORES_AT_ONCE = 2**19  # attention scores in a chunk: 1 MiB in bfloat16


@dataclass(frozen=True)
class Layout:
    """The positions of the computed tokens in a padded batch."""

    num_examples: int  # B
    num_tokens: int  # T
    index: Tensor | None  # of computed tokens in the flattened batch, int64 [N]; None: all tokens
    bias: Tensor | None  # 0 at real tokens, very negative elsewhere, [B, 1, 1, T]; None: 0

    def pack(self, padded: Tensor) -> Tensor:
        """Select the computed tokens, [N, ...], from a batch, [B * T, ...]."""
        return padded if self.index is None else padded.index_select(0, self.index)

    def unpack(self, packed: Tensor) -> Tensor:
        """Scatter computed tokens, [N, ...], into a batch, [B * T, ...], with 0 elsewhere."""
        if self.index is None:
            return packed
        padded = packed.new_zeros(self.num_examples * self.num_tokens, *packed.shape[1:])
        return padded.index_copy_(0, self.index, packed)


def layout_of(mask: Tensor, dtype: torch.dtype, *, pack_tokens: bool) -> Layout:
    """Return the layout of a batch with this mask, bool [B, T], True at real tokens."""
    batch, tokens = mask.shape
    if bool(mask.all()):
        return Layout(batch, tokens, index=None, bias=None)
    index = mask.flatten().nonzero().squeeze(1) if pack_tokens else None
    return Layout(batch, tokens, index, attention_bias(mask, dtype))


class FusedLayer(EncoderLayer):
    """`EncoderLayer` with the same parameters and, except for rounding, the same results."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__(config, kernels)
        self.pack_tokens = kernels.pack_tokens

    def forward(self, hidden: Tensor, mask: Tensor, queries: Tensor | None = None) -> Tensor:
        """Return hidden states, [B, T, D], or only those at `queries`, [B, Q, D].

        Under autocast, they have its dtype. With `pack_tokens`, they are 0 at padding.
        """
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            hidden = hidden.to(torch.get_autocast_dtype(device))
        layout = layout_of(mask, hidden.dtype, pack_tokens=self.pack_tokens)
        with torch.autocast(device, enabled=False):
            packed = layout.pack(hidden.flatten(end_dim=1))
            if queries is None:
                attended = self._attend(packed, layout)
                return layout.unpack(self._finish(packed, attended)).view_as(hidden)
            query_hidden = at_queries(hidden, queries).flatten(end_dim=1)
            attended = self._attend_at_queries(query_hidden, packed, layout)
            return self._finish(query_hidden, attended).view(*queries.shape, -1)

    def _attend(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the attention output of all computed tokens, [N, D]."""
        module = self.attention
        projected = _linear(hidden, module.query, module.key, module.value)
        attended = _Attention.apply(  # type: ignore[no-untyped-call]
            projected, layout, module.num_heads, module.dropout
        )
        return _linear(attended, module.output)

    def _attend_at_queries(self, query_hidden: Tensor, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the attention output, [B * Q, D], of the query tokens over all tokens, [N, D]."""
        module = self.attention
        padded = layout.unpack(_linear(hidden, module.key, module.value))
        key, value = _to_heads(padded, layout, 2, module.num_heads)  # [B, H, T, K]
        query = _linear(query_hidden, module.query).view(layout.num_examples, -1, *key.shape[1::2])
        query = query.transpose(1, 2) / math.sqrt(key.shape[-1])  # [B, H, Q, K]
        scores = query @ key.transpose(-1, -2)  # [B, H, Q, T]
        if layout.bias is not None:
            scores = scores + layout.bias
        probabilities = module.dropout(scores.softmax(dim=-1))
        attended = (probabilities @ value).transpose(1, 2)  # [B, Q, H, K]
        return _linear(attended.flatten(end_dim=1).flatten(start_dim=1), module.output)

    def _finish(self, hidden: Tensor, attended: Tensor) -> Tensor:
        """Apply the rest of the layer: add & norm, feed-forward, add & norm."""
        attended = _add_and_norm(hidden, attended, self.attention_norm)
        wide = F.gelu(_linear(attended, self.feed_forward.widen))
        narrowed = _linear(wide, self.feed_forward.narrow)
        return _add_and_norm(attended, narrowed, self.feed_forward_norm)


def _linear(hidden: Tensor, *modules: nn.Linear) -> Tensor:
    """Apply one or more linear layers to tokens, [N, D], at once, in their dtype."""
    weights = [module.weight.to(hidden.dtype) for module in modules]
    biases = [module.bias.to(hidden.dtype) for module in modules]
    if len(modules) == 1:
        return F.linear(hidden, weights[0], biases[0])
    return F.linear(hidden, torch.cat(weights), torch.cat(biases))


def _add_and_norm(sublayer_input: Tensor, sublayer_output: Tensor, module: AddAndNorm) -> Tensor:
    norm = module.norm
    normed: Tensor = _DropAddNorm.apply(  # type: ignore[no-untyped-call]
        sublayer_output, sublayer_input, norm.weight, norm.bias, norm.eps, module.dropout
    )
    return normed


class _Attention(torch.autograd.Function):
    """softmax(Q Kᵀ / √K) V with dropout on the softmax, from packed tokens to packed tokens.

    It processes the examples in chunks, so that their [T, T] scores stay in the CPU cache.
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, layout: Layout, num_heads: int, dropout: Dropout
    ) -> Tensor:
        """Compute attention; `projected` is the query, key and value of each token, [N, 3D]."""
        ctx.layout, ctx.num_heads = layout, num_heads
        query, key, value = _to_heads(layout.unpack(projected), layout, 3, num_heads)
        ctx.root = math.sqrt(query.shape[-1])
        query = query / ctx.root
        attended = torch.empty_like(query)  # [B, H, T, K]
        saved = []  # for the gradient: the softmax and its mask for each chunk
        for chunk in _chunks(query):
            scores = query[chunk] @ key[chunk].transpose(-1, -2)  # [b, H, T, T]
            if layout.bias is not None:
                scores.add_(layout.bias[chunk])
            probabilities = torch.softmax(scores, dim=-1)
            keep, ctx.scale = dropout.draw(probabilities)
            torch.matmul(masked(probabilities, keep), value[chunk], out=attended[chunk])
            if ctx.needs_input_grad[0]:
                saved += [probabilities, keep]
        ctx.save_for_backward(query, key, value, *saved)
        return layout.pack(_from_heads(attended.mul_(ctx.scale)[None]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *saved = ctx.saved_tensors
        (out,) = _to_heads(ctx.layout.unpack(gradient), ctx.layout, 1, ctx.num_heads)
        out = out * ctx.scale  # [B, H, T, K]
        gradients = out.new_empty(3, *out.shape)
        grad_query, grad_key, grad_value = gradients
        for chunk, probabilities, keep in zip(_chunks(query), saved[::2], saved[1::2], strict=True):
            dropped = masked(probabilities, keep)
            torch.matmul(dropped.transpose(-1, -2), out[chunk], out=grad_value[chunk])
            grad_probabilities = masked(out[chunk] @ value[chunk].transpose(-1, -2), keep)
            grad_scores = torch._softmax_backward_data(  # P * (dP - sum(P * dP)), row by row
                grad_probabilities, probabilities, -1, probabilities.dtype
            )
            torch.matmul(grad_scores, key[chunk], out=grad_query[chunk])
            torch.matmul(grad_scores.transpose(-1, -2), query[chunk], out=grad_key[chunk])
        grad_query.div_(ctx.root)
        return ctx.layout.pack(_from_heads(gradients)), None, None, None


def _chunks(heads: Tensor) -> list[slice]:
    """Divide examples, [B, H, T, K], into chunks whose [T, T] scores fit into the cache."""
    batch, num_heads, tokens, _ = heads.shape
    size = max(1, SCORES_AT_ONCE // (num_heads * tokens * tokens))
    return [slice(start, start + size) for start in range(0, batch, size)]


def _to_heads(padded: Tensor, layout: Layout, parts: int, num_heads: int) -> Tensor:
    """Split [B * T, parts * D] into heads, [parts, B, H, T, K]."""
    split = padded.view(layout.num_examples, layout.num_tokens, parts, num_heads, -1)
    return split.permute(2, 0, 3, 1, 4).contiguous()


def _from_heads(heads: Tensor) -> Tensor:
    """Merge heads, [parts, B, H, T, K], into [B * T, parts * D]."""
    return heads.permute(1, 3, 0, 2, 4).flatten(end_dim=1).flatten(start_dim=1)


class _DropAddNorm(torch.autograd.Function):
    """Dropout on the output of a sublayer, residual connection, layer norm."""

    @staticmethod
    def forward(  # noqa: PLR0913  (torch requires `ctx`)
        ctx: Any,
        sublayer_output: Tensor,
        sublayer_input: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: float,
        dropout: Dropout,
    ) -> Tensor:
        keep, ctx.scale = dropout.draw(sublayer_output)
        joined = torch.add(sublayer_input, masked(sublayer_output, keep), alpha=ctx.scale)
        normed, mean, rstd = torch.native_layer_norm(joined, weight.shape, weight, bias, eps)
        ctx.save_for_backward(joined, mean, rstd, weight, bias, keep)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        joined, mean, rstd, weight, bias, keep = ctx.saved_tensors
        grad_joined, grad_weight, grad_bias = layer_norm_gradients(
            gradient, joined, mean, rstd, weight, bias
        )
        grad_output = masked(grad_joined, keep)
        grad_output = grad_output if keep is None else grad_output.mul_(ctx.scale)
        return grad_output, grad_joined, grad_weight, grad_bias, None, None
