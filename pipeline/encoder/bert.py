"""minBERT: the encoder of section 4.1 (Devlin et al., 2018).

Read from top to bottom: embeddings, self-attention, add & norm, feed-forward, encoder layer,
pooler, and `MinBert`, which combines them. weights.py can replace `EncoderLayer` with the faster
`FusedLayer`; every other part is always used.

Shapes are written [B, T, D]: B examples, T tokens including padding, D hidden size, L layers,
H heads, K = D / H head size, F feed-forward size, Q query tokens (those whose hidden states are
needed). Masks are bool, True at real tokens.
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

INITIAL_STD = 0.02  # standard deviation of new weights, as in BERT


def new_embedding(count: int, size: int) -> nn.Embedding:
    """Make an embedding without values; `MinBert` draws them or a file provides them.

    On the device "meta", the initialization of nn.Embedding would load torch._dynamo, which takes
    a second.
    """
    return nn.Embedding(count, size, _weight=torch.empty(count, size))


class Embeddings(nn.Module):
    """The sum of word, position and token type embeddings, then layer norm and dropout."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.word = new_embedding(config.vocab_size, config.hidden_size)
        self.position = new_embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = new_embedding(config.type_vocab_size, config.hidden_size)
        self.norm = FixedOrderLayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob, cheap=kernels.cheap_dropout)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the input of the first encoder layer, float [B, T, D]."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)  # [T]
        embedded: Tensor = (
            self.word(input_ids) + self.position(positions) + self.token_type(token_type_ids)
        )
        normed: Tensor = self.dropout(self.norm(embedded))
        return normed


def eager_attention(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, dropout: float
) -> Tensor:
    """Compute softmax(Q Kᵀ / √K) V, one operation at a time.

    Args:
        query: float [B, H, T, K]; `key` and `value` have the same shape.
        key: the keys.
        value: the values, which are averaged.
        bias: added to the scores, float [B, 1, 1, T]: 0 at real tokens, very negative elsewhere.
        dropout: the fraction of attention probabilities to set to 0.

    Returns:
        A weighted average of `value` for each query, float [B, H, T, K].
    """
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # [B, H, T, T]
    probabilities = F.dropout((scores + bias).softmax(dim=-1), dropout)
    return probabilities.to(value.dtype) @ value


def sdpa_attention(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, dropout: float
) -> Tensor:
    """Compute the same as `eager_attention`, in one kernel if the hardware has one."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)


ATTENTIONS: Mapping[Attention, Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]] = {
    "eager": eager_attention,
    "sdpa": sdpa_attention,
}


def attention_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a mask, bool [B, T], into a bias for attention scores, float [B, 1, 1, T].

    Padding gets the lowest finite number, not minus infinity, because a softmax over nothing but
    minus infinity is NaN. A row without real tokens then attends uniformly to its padding.
    """
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return bias.masked_fill(~mask, torch.finfo(dtype).min)[:, None, None, :]


class SelfAttention(nn.Module):
    """Multi-head self-attention: in each head, every token attends to all real tokens."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.dropout = Dropout(config.attention_probs_dropout_prob, cheap=kernels.cheap_dropout)
        self.attend = ATTENTIONS[kernels.attention]
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, query_hidden: Tensor, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the attention output at the query tokens, float [B, Q, D].

        Args:
            query_hidden: hidden states of the query tokens (all or some), float [B, Q, D].
            hidden: hidden states of all tokens, float [B, T, D].
            mask: True at real tokens, bool [B, T].
        """
        query = self._heads(self.query(query_hidden))
        key = self._heads(self.key(hidden))
        value = self._heads(self.value(hidden))
        # under autocast, the query can have a narrower dtype than `hidden`
        bias = attention_bias(mask, query.dtype)
        dropout = self.dropout.p if self.training else 0.0
        attended = self.attend(query, key, value, bias, dropout)  # [B, H, Q, K]
        joined: Tensor = self.output(attended.transpose(1, 2).flatten(start_dim=2))  # [B, Q, D]
        return joined

    def _heads(self, projected: Tensor) -> Tensor:
        """Split [B, T, D] into heads, [B, H, T, K]."""
        return projected.view(*projected.shape[:2], self.num_heads, -1).transpose(1, 2)


class AddAndNorm(nn.Module):
    """Dropout on the output of a sublayer, residual connection, layer norm."""

    def __init__(self, config: BertConfig, kernels: Kernels) -> None:
        super().__init__()
        self.dropout = Dropout(config.hidden_dropout_prob, cheap=kernels.cheap_dropout)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, sublayer_input: Tensor, sublayer_output: Tensor) -> Tensor:
        """Combine the input of a sublayer with its output, both float [B, T, D]."""
        joined: Tensor = self.norm(sublayer_input + self.dropout(sublayer_output))
        return joined


class FeedForward(nn.Module):
    """Two linear layers with GELU between them, applied to each token separately."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.widen = nn.Linear(config.hidden_size, config.intermediate_size)
        self.narrow = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform the vector of each token, float [B, T, D]."""
        wide = F.gelu(self.widen(hidden))  # [B, T, F]; exact GELU (erf), not the tanh approximation
        narrowed: Tensor = self.narrow(wide)
        return narrowed


def at_queries(hidden: Tensor, queries: Tensor) -> Tensor:
    """Select hidden states, float [B, T, D], at positions, int64 [B, Q]: float [B, Q, D]."""
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
        """Return hidden states, float [B, T, D], or only those at `queries`, float [B, Q, D]."""
        query_hidden = hidden if queries is None else at_queries(hidden, queries)
        attention: Tensor = self.attention(query_hidden, hidden, mask)
        attended: Tensor = self.attention_norm(query_hidden, attention)
        transformed: Tensor = self.feed_forward_norm(attended, self.feed_forward(attended))
        return transformed


class Pooler(nn.Module):
    """A linear layer and tanh, applied to the hidden state of [CLS]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the pooled output, float [..., D], of the hidden states of [CLS], [..., D]."""
        return torch.tanh(self.dense(hidden))


class MinBert(nn.Module):
    """The backbone: token ids in, hidden states out. `pooler` transforms those of [CLS]."""

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
        self.apply(_initialize)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        queries: Tensor | None = None,
    ) -> Tensor:
        """Return the hidden states of the last layer, float [B, T, D].

        Args:
            input_ids: int64 [B, T]; every sequence starts with [CLS].
            attention_mask: True at real tokens, bool [B, T].
            token_type_ids: 0 in the first sentence and 1 in the second, int64 [B, T];
                None: all 0.
            queries: positions of the tokens whose hidden states are needed, int64 [B, Q]. The last
                layer then computes only these, and the result is [B, Q, D].

        Raises:
            BackboneError: T is greater than the number of positions of the backbone.
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


def _initialize(module: nn.Module) -> None:
    """Draw new weights from BERT's distribution; layer norms already start as ones and zeros."""
    if not isinstance(module, nn.Linear | nn.Embedding) or module.weight.is_meta:
        return
    nn.init.normal_(module.weight, std=INITIAL_STD)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
