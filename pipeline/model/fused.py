"""Encoder layers as few, large operations: what `model/bert.py` computes, faster on a CPU.

The parameters are those of the plain layers. Three things differ, none of them in the result, but
that under autocast sums between the products too are rounded to its type:
padding is left out of everything but attention (`pack_tokens`), query, key and value come
from one product, and the two parts between the products, attention and dropout + add + norm,
have gradients written by hand, so that each runs over its numbers once and in the type of the
products. tests/model/test_fused.py compares them with the plain layers and with finite
differences.

Shapes: [N, D] the N tokens that are computed, side by side; [B, T, ...] examples with padding;
H heads of width K.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.model.dropout import Dropout, keep_mask, masked

if TYPE_CHECKING:
    from pipeline.model.bert import AddAndNorm, EncoderLayer, SelfAttention

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
        return padded if self.index is None else padded[self.index]

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
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    bias = bias.masked_fill_(~mask, torch.finfo(dtype).min)[:, None, None, :]
    index = mask.flatten().nonzero().squeeze(1) if pack_tokens else None
    return Layout(batch, tokens, index, bias)


@dataclass(frozen=True)
class Drop:
    """How a part drops: the fraction, 0 in evaluation, and whether by the cheap mask."""

    p: float
    cheap: bool

    def draw(self, like: Tensor) -> tuple[Tensor | None, float]:
        """Draw a mask and its scale; no mask where nothing is dropped."""
        return keep_mask(like, self.p, cheap=self.cheap) if self.p else (None, 1.0)


def _drop_of(module: Dropout) -> Drop:
    return Drop(module.p if module.training else 0.0, module.cheap)


def _dropped(values: Tensor, keep: Tensor | None) -> Tensor:
    return values if keep is None else masked(values, keep)


class _Attention(torch.autograd.Function):
    """softmax(Q Kᵀ / √K) V with dropout on the softmax, from packed tokens to packed tokens.

    Examples are taken a few at a time, so that their [T, T] scores stay in the processor's cache
    on the way through.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor, layout: Layout, num_heads: int, drop: Drop) -> Tensor:
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
            keep, ctx.scale = drop.draw(probabilities)
            torch.matmul(_dropped(probabilities, keep), value[few], out=attended[few])
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
            dropped = _dropped(probabilities, keep)
            torch.matmul(dropped.transpose(-1, -2), out[few], out=of_value[few])
            of_probabilities = _dropped(out[few] @ value[few].transpose(-1, -2), keep)
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
        drop: Drop,
    ) -> Tensor:
        keep, ctx.scale = drop.draw(part_output)
        joined = torch.add(part_input, _dropped(part_output, keep), alpha=ctx.scale)
        normed, mean, rstd = torch.native_layer_norm(joined, weight.shape, weight, bias, eps)
        ctx.save_for_backward(joined, mean, rstd, weight, bias, keep)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        joined, mean, rstd, weight, bias, keep = ctx.saved_tensors
        of_joined, of_weight, of_bias = torch.ops.aten.native_layer_norm_backward(
            gradient, joined, weight.shape, mean, rstd, weight, bias, [True, True, True]
        )
        of_output = _dropped(of_joined, keep)
        of_output = of_output if keep is None else of_output.mul_(ctx.scale)
        return of_output, of_joined, of_weight, of_bias, None, None


def _add_and_norm(part_input: Tensor, part_output: Tensor, module: "AddAndNorm") -> Tensor:
    norm = module.norm
    normed: Tensor = _DropAddNorm.apply(  # type: ignore[no-untyped-call]
        part_output, part_input, norm.weight, norm.bias, norm.eps, _drop_of(module.dropout)
    )
    return normed


def _linear(hidden: Tensor, *modules: nn.Linear) -> Tensor:
    """Send tokens, [N, D], through one or more linear layers at once, in the tokens' type."""
    weights = [module.weight.to(hidden.dtype) for module in modules]
    biases = [module.bias.to(hidden.dtype) for module in modules]
    if len(modules) == 1:
        return F.linear(hidden, weights[0], biases[0])
    return F.linear(hidden, torch.cat(weights), torch.cat(biases))


def _attend(hidden: Tensor, layout: Layout, module: "SelfAttention") -> Tensor:
    """Let every computed token attend, [N, D]."""
    projected = _linear(hidden, module.query, module.key, module.value)
    attended = _Attention.apply(  # type: ignore[no-untyped-call]
        projected, layout, module.num_heads, _drop_of(module.dropout)
    )
    return _linear(attended, module.output)


def _attend_some(asking: Tensor, hidden: Tensor, layout: Layout, module: "SelfAttention") -> Tensor:
    """Let a few tokens of each example, [B * Q, D], attend to all of its tokens, [N, D]."""
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


def _at_queries(hidden: Tensor, layout: Layout, queries: Tensor) -> Tensor:
    """Return the vectors at some places of the examples, [B * Q, D], out of [N, D]."""
    first = torch.arange(layout.num_examples, device=hidden.device) * layout.num_tokens
    places = (first.unsqueeze(1) + queries).flatten()
    if layout.index is not None:  # real tokens are asked for, so their places are in the index
        places = torch.searchsorted(layout.index, places)
    return hidden[places]


def encode_fused(
    layers: "Iterable[Any]", hidden: Tensor, mask: Tensor, *, pack: bool, queries: Tensor | None
) -> Tensor:
    """Send a batch through encoder layers.

    Args:
        layers: `EncoderLayer`s, whose parameters are used.
        hidden: what enters the first, float [B, T, D].
        mask: True at real tokens, bool [B, T].
        pack: leave out padding.
        queries: places of real tokens, int64 [B, Q]; the last layer computes no others.

    Returns:
        Hidden states of the last layer, [B, T, D] or [B, Q, D]; with `pack` 0 at padding. In
        autocast's type where that is on.
    """
    device = hidden.device.type
    on = torch.is_autocast_enabled(device)
    dtype = torch.get_autocast_dtype(device) if on else hidden.dtype
    layout = layout_of(mask, dtype, pack_tokens=pack)
    batch, tokens, _ = hidden.shape
    with torch.autocast(device, enabled=False):
        packed = layout.pack(hidden.flatten(end_dim=1)).to(dtype)
        *others, last = layers
        for layer in others:
            packed = _layer(packed, _attend(packed, layout, layer.attention), layer)
        if queries is not None:
            asking = _at_queries(packed, layout, queries)
            attended = _attend_some(asking, packed, layout, last.attention)
            return _layer(asking, attended, last).view(*queries.shape, -1)
        packed = _layer(packed, _attend(packed, layout, last.attention), last)
        return layout.unpack(packed).view(batch, tokens, -1)


def _layer(hidden: Tensor, attended: Tensor, layer: "EncoderLayer") -> Tensor:
    """Finish a layer: add & norm, feed-forward, add & norm."""
    attended = _add_and_norm(hidden, attended, layer.attention_norm)
    wide = F.gelu(_linear(attended, layer.feed_forward.widen))
    narrowed = _linear(wide, layer.feed_forward.narrow)
    return _add_and_norm(attended, narrowed, layer.feed_forward_norm)
