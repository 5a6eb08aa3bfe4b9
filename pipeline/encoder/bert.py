"""minBERT: the encoder of section 4.1 (Devlin et al., 2018), from its parts to the whole.

Read from top to bottom: embeddings, self-attention, add & norm, feed-forward, encoder layer,
pooler, and `MinBert`, which puts them together. All of it runs, except `EncoderLayer` where
weights.py builds the faster `FusedLayer` in its place.

Shapes are written [B, T, D]: B examples, T tokens with padding, D hidden size, L layers,
H heads, K = D / H the width of a head, F width of the feed-forward layer, Q the tokens whose
hidden states are asked for. Masks are bool and True where a real token stands.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.core.config import BertConfig
from pipeline.encoder.dropout import Dropout
from pipeline.encoder.kernels import Attention, Kernels
from pipeline.encoder.thread_order import FixedOrderLayerNorm
from pipeline.errors import BackboneError

INITIAL_STD = 0.02  # of new weights, as in BERT


def new_embedding(count: int, size: int) -> nn.Embedding:
    """Make an embedding whose values `MinBert` draws, or a file brings.

    Drawing the usual ones would load torch._dynamo where there is no memory yet (device "meta"),
    which takes a second.
    """
    return nn.Embedding(count, size, _weight=torch.empty(count, size))


class Embeddings(nn.Module):
    """Word + position + token type, then layer norm and dropout."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.word = new_embedding(config.vocab_size, config.hidden_size)
        self.position = new_embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = new_embedding(config.type_vocab_size, config.hidden_size)
        self.norm = FixedOrderLayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob, cheap=kernels.cheap_dropout)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the vector each token enters the first layer with, float [B, T, D]."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)  # [T]
        embedded: Tensor = (
            self.word(input_ids) + self.position(positions) + self.token_type(token_type_ids)
        )
        normed: Tensor = self.dropout(self.norm(embedded))
        return normed


def eager_attention(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, dropout: float
) -> Tensor:
    """Compute softmax(Q Kᵀ / √K) V as the formula reads.

    Args:
        query: float [B, H, T, K]; `key` and `value` likewise.
        key: what queries are compared with.
        value: what is averaged.
        bias: added to the scores, float [B, 1, 1, T]: 0 at real tokens, hugely negative elsewhere.
        dropout: the fraction of attention probabilities set to 0.

    Returns:
        Averages of `value`, one for each query, float [B, H, T, K].
    """
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # [B, H, T, T]
    probabilities = F.dropout((scores + bias).softmax(dim=-1), dropout)
    return probabilities.to(value.dtype) @ value


def sdpa_attention(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, dropout: float
) -> Tensor:
    """Compute the same as `eager_attention`, in one kernel where the hardware has one."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)


ATTENTIONS: Mapping[Attention, Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]] = {
    "eager": eager_attention,
    "sdpa": sdpa_attention,
}


def attention_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a mask, bool [B, T], into what is added to attention scores, float [B, 1, 1, T].

    Padding gets the lowest finite number and not minus infinity: a row without a single real
    token then attends evenly to all of its padding, where the softmax would else divide by zero.
    """
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return bias.masked_fill(~mask, torch.finfo(dtype).min)[:, None, None, :]


class SelfAttention(nn.Module):
    """Multi-head self-attention: every token averages all real tokens, once in each head."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.dropout = Dropout(config.attention_probs_dropout_prob, cheap=kernels.cheap_dropout)
        self.attend = ATTENTIONS[kernels.attention]
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, asking: Tensor, hidden: Tensor, mask: Tensor) -> Tensor:
        """Let tokens, float [B, Q, D], attend to the real ones among others: float [B, Q, D].

        Args:
            asking: those that attend; all of `hidden`, or some.
            hidden: those that are attended to, float [B, T, D].
            mask: True at the real ones, bool [B, T].
        """
        query = self._heads(self.query(asking))
        key = self._heads(self.key(hidden))
        value = self._heads(self.value(hidden))
        # the bias takes the query's type, which autocast may have made narrower than `hidden`'s
        bias = attention_bias(mask, query.dtype)
        dropout = self.dropout.p if self.training else 0.0
        attended = self.attend(query, key, value, bias, dropout)  # [B, H, Q, K]
        joined: Tensor = self.output(attended.transpose(1, 2).flatten(start_dim=2))  # [B, Q, D]
        return joined

    def _heads(self, projected: Tensor) -> Tensor:
        """Cut [B, T, D] into heads, [B, H, T, K]."""
        return projected.view(*projected.shape[:2], self.num_heads, -1).transpose(1, 2)


class AddAndNorm(nn.Module):
    """Dropout on a part's output, add the part's input, layer norm."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.dropout = Dropout(config.hidden_dropout_prob, cheap=kernels.cheap_dropout)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, part_input: Tensor, part_output: Tensor) -> Tensor:
        """Join what went into a part with what came out of it, float [B, T, D]."""
        joined: Tensor = self.norm(part_input + self.dropout(part_output))
        return joined


class FeedForward(nn.Module):
    """Two linear layers with GELU between them, for each token by itself."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.widen = nn.Linear(config.hidden_size, config.intermediate_size)
        self.narrow = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each token's vector, float [B, T, D]."""
        wide = F.gelu(self.widen(hidden))  # [B, T, F]; the exact GELU, with erf
        narrowed: Tensor = self.narrow(wide)
        return narrowed


def at_queries(hidden: Tensor, queries: Tensor) -> Tensor:
    """Return hidden states, float [B, T, D], at some places, int64 [B, Q]: float [B, Q, D]."""
    return hidden.gather(1, queries.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))


class EncoderLayer(nn.Module):
    """Self-attention, add & norm, feed-forward, add & norm."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.attention = SelfAttention(config, kernels)
        self.attention_norm = AddAndNorm(config, kernels)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = AddAndNorm(config, kernels)

    def forward(self, hidden: Tensor, mask: Tensor, queries: Tensor | None = None) -> Tensor:
        """Return the layer's hidden states, float [B, T, D], or at queries alone, [B, Q, D]."""
        asking = hidden if queries is None else at_queries(hidden, queries)
        attended: Tensor = self.attention_norm(asking, self.attention(asking, hidden, mask))
        transformed: Tensor = self.feed_forward_norm(attended, self.feed_forward(attended))
        return transformed


class Pooler(nn.Module):
    """A linear layer and tanh over the hidden state of a [CLS]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the pooled output, float [..., D], of the hidden states of [CLS], [..., D]."""
        return torch.tanh(self.dense(hidden))


class MinBert(nn.Module):
    """The backbone: token ids in, hidden states out; `pooler` goes on from those of [CLS]."""

    def __init__(
        self, config: BertConfig, kernels: Kernels, layer_type: type[EncoderLayer] = EncoderLayer
    ) -> None:
        super().__init__()
        self.config = config
        self.kernels = kernels
        self.embeddings = Embeddings(config, kernels)
        self.layers = [layer_type(config, kernels) for _ in range(config.num_hidden_layers)]
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(self.layers)})
        self.pooler = Pooler(config)
        self.apply(_initialise)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        queries: Tensor | None = None,
    ) -> Tensor:
        """Encode a batch: return the hidden states of the last layer, float [B, T, D].

        Args:
            input_ids: int64 [B, T], beginning with [CLS].
            attention_mask: True at real tokens, bool [B, T].
            token_type_ids: 0 in the first sentence and 1 in the second, int64 [B, T];
                all 0 when left out.
            queries: places of the tokens whose hidden states are asked for, int64 [B, Q]; the last
                layer computes no others and the result is [B, Q, D].

        Raises:
            BackboneError: T is more than the backbone has positions for.
        """
        longest = self.config.max_position_embeddings
        if input_ids.shape[1] > longest:
            raise BackboneError(
                f"the backbone has {longest} positions and a batch has {input_ids.shape[1]} "
                f"tokens; set tokens.max_length in params.yaml to {longest} or less"
            )
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        hidden: Tensor = self.embeddings(input_ids, token_type_ids)
        *others, last = self.layers
        for layer in others:
            hidden = layer(hidden, attention_mask)
        final: Tensor = last(hidden, attention_mask, queries)
        return final


def _initialise(module: nn.Module) -> None:
    """Give new weights BERT's distribution; layer norms begin as ones and zeros already."""
    if not isinstance(module, nn.Linear | nn.Embedding) or module.weight.is_meta:
        return
    nn.init.normal_(module.weight, std=INITIAL_STD)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
