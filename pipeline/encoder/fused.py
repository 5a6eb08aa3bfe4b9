"""An encoder layer in few, large operations: what the plain one computes, faster on a CPU.

Three things differ, none of them in the result, but that under autocast sums between the products
too are rounded to its type: padding is left out of everything but attention (`pack_tokens`);
query, key and value come from one product; and the two parts between the products, attention and
dropout + add + norm, have gradients written by hand, so that each runs over its numbers once and
in the type of the products. tests/encoder/test_fused.py compares them with the plain layer and with
finite differences.

Shapes: [N, D] the N tokens that are computed, side by side; [B, T, ...] examples with padding;
Q queries in each; H heads of width K.
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

SCORES_AT_ONCE = 2**19  # attention scores between two passes: 1 MiB in bfloat16


@dataclass(frozen=True)
class Layout:
    """Where the computed tokens stand in a padded batch."""

    num_examples: int  # B
    num_tokens: int  # T
    index: Tensor | None  # of computed tokens in the flattened batch, int64 [N]; None: all
    bias: Tensor | None  # 0 at real tokens and hugely negative elsewhere, [B, 1, 1, T]; None: 0

    def pack(self, padded: Tensor) -> Tensor:
        """Take the computed tokens, [N, ...], out of a batch, [B * T, ...]."""
        return padded if self.index is None else padded.index_select(0, self.index)

    def unpack(self, packed: Tensor) -> Tensor:
        """Put computed tokens, [N, ...], back into a batch, [B * T, ...], with 0 elsewhere."""
        if self.index is None:
            return packed
        padded = packed.new_zeros(self.num_examples * self.num_tokens, *packed.shape[1:])
        return padded.index_copy_(0, self.index, packed)


def layout_of(mask: Tensor, dtype: torch.dtype, *, pack_tokens: bool) -> Layout:
    """Describe a batch by its mask, bool [B, T], True at real tokens."""
    batch, tokens = mask.shape
    if bool(mask.all()):
        return Layout(batch, tokens, index=None, bias=None)
    index = mask.flatten().nonzero().squeeze(1) if pack_tokens else None
    return Layout(batch, tokens, index, attention_bias(mask, dtype))


class FusedLayer(EncoderLayer):
    """`EncoderLayer` with the same parameters and, but for rounding, the same results."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__(config, kernels)
        self.pack_tokens = kernels.pack_tokens

    def forward(self, hidden: Tensor, mask: Tensor, queries: Tensor | None = None) -> Tensor:
        """Return the layer's hidden states, [B, T, D], or at queries alone, [B, Q, D].

        In autocast's type where that is on; with `pack_tokens` 0 at padding.
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
            asking = at_queries(hidden, queries).flatten(end_dim=1)
            attended = self._attend_some(asking, packed, layout)
            return self._finish(asking, attended).view(*queries.shape, -1)

    def _attend(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Let every computed token attend, [N, D]."""
        module = self.attention
        projected = _linear(hidden, module.query, module.key, module.value)
        attended = _Attention.apply(  # type: ignore[no-untyped-call]
            projected, layout, module.num_heads, module.dropout
        )
        return _linear(attended, module.output)

    def _attend_some(self, asking: Tensor, hidden: Tensor, layout: Layout) -> Tensor:
        """Let a few tokens of each example, [B * Q, D], attend to all of its tokens, [N, D]."""
        module = self.attention
        padded = layout.unpack(_linear(hidden, module.key, module.value))
        key, value = _to_heads(padded, layout, 2, module.num_heads)  # [B, H, T, K]
        query = _linear(asking, module.query).view(layout.num_examples, -1, *key.shape[1::2])
        query = query.transpose(1, 2) / math.sqrt(key.shape[-1])  # [B, H, Q, K]
        scores = query @ key.transpose(-1, -2)  # [B, H, Q, T]
        if layout.bias is not None:
            scores = scores + layout.bias
        probabilities = module.dropout(scores.softmax(dim=-1))
        attended = (probabilities @ value).transpose(1, 2)  # [B, Q, H, K]
        return _linear(attended.flatten(end_dim=1).flatten(start_dim=1), module.output)

    def _finish(self, hidden: Tensor, attended: Tensor) -> Tensor:
        """Go on after attention: add & norm, feed-forward, add & norm."""
        attended = _add_and_norm(hidden, attended, self.attention_norm)
        wide = F.gelu(_linear(attended, self.feed_forward.widen))
        narrowed = _linear(wide, self.feed_forward.narrow)
        return _add_and_norm(attended, narrowed, self.feed_forward_norm)


def _linear(hidden: Tensor, *modules: nn.Linear) -> Tensor:
    """Send tokens, [N, D], through one or more linear layers at once, in the tokens' type."""
    weights = [module.weight.to(hidden.dtype) for module in modules]
    biases = [module.bias.to(hidden.dtype) for module in modules]
    if len(modules) == 1:
        return F.linear(hidden, weights[0], biases[0])
    return F.linear(hidden, torch.cat(weights), torch.cat(biases))


def _add_and_norm(part_input: Tensor, part_output: Tensor, module: AddAndNorm) -> Tensor:
    norm = module.norm
    normed: Tensor = _DropAddNorm.apply(  # type: ignore[no-untyped-call]
        part_output, part_input, norm.weight, norm.bias, norm.eps, module.dropout
    )
    return normed


class _Attention(torch.autograd.Function):
    """softmax(Q Kᵀ / √K) V with dropout on the softmax, from packed tokens to packed tokens.

    Examples are taken a few at a time, so that their [T, T] scores stay in the processor's cache
    on the way through.
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, layout: Layout, num_heads: int, dropout: Dropout
    ) -> Tensor:
        """Attend; `projected` holds query, key and value of each token, [N, 3D]."""
        ctx.layout, ctx.num_heads = layout, num_heads
        query, key, value = _to_heads(layout.unpack(projected), layout, 3, num_heads)
        ctx.root = math.sqrt(query.shape[-1])
        query = query / ctx.root
        attended = torch.empty_like(query)  # [B, H, T, K]
        kept = []  # for the gradient: of each few examples the softmax and its mask
        for few in _slices(query):
            scores = query[few] @ key[few].transpose(-1, -2)  # [b, H, T, T]
            if layout.bias is not None:
                scores.add_(layout.bias[few])
            probabilities = torch.softmax(scores, dim=-1)
            keep, ctx.scale = dropout.draw(probabilities)
            torch.matmul(masked(probabilities, keep), value[few], out=attended[few])
            if ctx.needs_input_grad[0]:
                kept += [probabilities, keep]
        ctx.save_for_backward(query, key, value, *kept)
        return layout.pack(_from_heads(attended.mul_(ctx.scale)[None]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *kept = ctx.saved_tensors
        (out,) = _to_heads(ctx.layout.unpack(gradient), ctx.layout, 1, ctx.num_heads)
        out = out * ctx.scale  # [B, H, T, K]
        gradients = out.new_empty(3, *out.shape)
        of_query, of_key, of_value = gradients
        for few, probabilities, keep in zip(_slices(query), kept[::2], kept[1::2], strict=True):
            dropped = masked(probabilities, keep)
            torch.matmul(dropped.transpose(-1, -2), out[few], out=of_value[few])
            of_probabilities = masked(out[few] @ value[few].transpose(-1, -2), keep)
            of_scores = torch._softmax_backward_data(  # P * (dP - sum(P * dP)), row by row
                of_probabilities, probabilities, -1, probabilities.dtype
            )
            torch.matmul(of_scores, key[few], out=of_query[few])
            torch.matmul(of_scores.transpose(-1, -2), query[few], out=of_key[few])
        of_query.div_(ctx.root)
        return ctx.layout.pack(_from_heads(gradients)), None, None, None


def _slices(heads: Tensor) -> list[slice]:
    """Cut examples, [B, H, T, K], so that the [T, T] scores of a slice fit into the cache."""
    batch, num_heads, tokens, _ = heads.shape
    few = max(1, SCORES_AT_ONCE // (num_heads * tokens * tokens))
    return [slice(start, start + few) for start in range(0, batch, few)]


def _to_heads(padded: Tensor, layout: Layout, parts: int, num_heads: int) -> Tensor:
    """Cut [B * T, parts * D] into heads, [parts, B, H, T, K]."""
    split = padded.view(layout.num_examples, layout.num_tokens, parts, num_heads, -1)
    return split.permute(2, 0, 3, 1, 4).contiguous()


def _from_heads(heads: Tensor) -> Tensor:
    """Join heads, [parts, B, H, T, K], to [B * T, parts * D]."""
    return heads.permute(1, 3, 0, 2, 4).flatten(end_dim=1).flatten(start_dim=1)


class _DropAddNorm(torch.autograd.Function):
    """Dropout on a part's output, add the part's input, layer norm."""

    @staticmethod
    def forward(  # noqa: PLR0913  (torch's `ctx` is one of them)
        ctx: Any,
        part_output: Tensor,
        part_input: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: float,
        dropout: Dropout,
    ) -> Tensor:
        keep, ctx.scale = dropout.draw(part_output)
        joined = torch.add(part_input, masked(part_output, keep), alpha=ctx.scale)
        normed, mean, rstd = torch.native_layer_norm(joined, weight.shape, weight, bias, eps)
        ctx.save_for_backward(joined, mean, rstd, weight, bias, keep)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        joined, mean, rstd, weight, bias, keep = ctx.saved_tensors
        of_joined, of_weight, of_bias = layer_norm_gradients(
            gradient, joined, mean, rstd, weight, bias
        )
        of_output = masked(of_joined, keep)
        of_output = of_output if keep is None else of_output.mul_(ctx.scale)
        return of_output, of_joined, of_weight, of_bias, None, None
