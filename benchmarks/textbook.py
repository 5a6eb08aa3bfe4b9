"""Peer (a): what a student hands in, a completed course template.

Written for this benchmark in that shape, and as slow as it is: separate query, key and value,
eager attention, random batches padded to their longest sentence from lists, two forward passes
for a pair, an AdamW that loops over parameters in Python, gradients of all 30,522 embeddings.
Frozen, its encoder runs at every step with dropout on. Parameters have the names of our minBERT.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.batches import Indices
from pipeline.model.config import BertConfig
from pipeline.model.heads import Head, loss_of
from pipeline.tasks import Corpus, Mode
from pipeline.tokens.token_cache import TokenizedSplit


class Embeddings(nn.Module):
    """Word + position + token type, layer norm, dropout."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor) -> Tensor:
        """Return float [B, T, D]."""
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        types = torch.zeros_like(ids)
        summed = self.word(ids) + self.position(positions) + self.token_type(types)
        out: Tensor = self.dropout(self.norm(summed))
        return out


class SelfAttention(nn.Module):
    """Query, key and value one after another, scores in full."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.num_heads, -1).transpose(1, 2)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """Return float [B, T, D]."""
        query = self._heads(self.query(hidden))
        key = self._heads(self.key(hidden))
        value = self._heads(self.value(hidden))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + bias
        mixed = self.dropout(scores.softmax(dim=-1)) @ value
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(start_dim=2))
        return out


class AddAndNorm(nn.Module):
    """Dropout, add, norm."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Return float [B, T, D]."""
        out: Tensor = self.norm(before + self.dropout(after))
        return out


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = AddAndNorm(config)
        self.feed_forward = nn.ModuleDict(
            {
                "widen": nn.Linear(config.hidden_size, config.intermediate_size),
                "narrow": nn.Linear(config.intermediate_size, config.hidden_size),
            }
        )
        self.feed_forward_norm = AddAndNorm(config)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """Return float [B, T, D]."""
        hidden = self.attention_norm(hidden, self.attention(hidden, bias))
        wide = F.gelu(self.feed_forward["widen"](hidden))
        out: Tensor = self.feed_forward_norm(hidden, self.feed_forward["narrow"](wide))
        return out


class Bert(nn.Module):
    """The course template's BERT, filled in."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict(
            {"layers": nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))}
        )
        self.pooler = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.hidden_size)})

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return hidden states [B, T, D] and pooled output [B, D]."""
        bias = (1.0 - mask[:, None, None, :].float()) * -10000.0
        hidden = self.embeddings(ids)
        for layer in self.encoder["layers"]:  # type: ignore[attr-defined]
            hidden = layer(hidden, bias)
        return hidden, torch.tanh(self.pooler["dense"](hidden[:, 0]))


class AdamW:
    """AdamW as the assignment has it: a Python loop, a handful of operations a parameter."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self.parameters = list(parameters)
        self.rate, self.betas, self.epsilon = rate, (0.9, 0.999), 1e-6
        self.state: dict[nn.Parameter, tuple[int, Tensor, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        first_beta, second_beta = self.betas
        for parameter in self.parameters:
            gradient = parameter.grad
            if gradient is None:
                continue
            new = (0, torch.zeros_like(parameter), torch.zeros_like(parameter))
            step, first, second = self.state.get(parameter, new)
            step += 1
            first = first_beta * first + (1 - first_beta) * gradient
            second = second_beta * second + (1 - second_beta) * gradient * gradient
            rate = self.rate * math.sqrt(1 - second_beta**step) / (1 - first_beta**step)
            # torch adds epsilon after the correction, the paper's algorithm 1 likewise
            root = math.sqrt(1 - second_beta**step)
            parameter.sub_(rate * first / (second.sqrt() + self.epsilon * root))
            self.state[parameter] = (step, first, second)


class Textbook:
    """A corpus's training in the shape of the template."""

    def __init__(
        self,
        split: TokenizedSplit,
        weights: dict[str, Tensor],
        config: BertConfig,
        mode: Mode,
        device: torch.device,
    ) -> None:
        self.split, self.device = split, device
        self.corpus: Corpus = split.corpus
        self.bert = Bert(config).to(device)
        self.bert.load_state_dict(weights)
        self.head = Head(self.corpus, config.hidden_size, 0.3).to(device)
        if mode == "pretrain":
            self.bert.requires_grad_(False)
        parameters = [*self.bert.parameters(), *self.head.parameters()]
        rate = 1e-3 if mode == "pretrain" else 1e-5
        self.optimizer = AdamW([p for p in parameters if p.requires_grad], rate)

    def vectors(self, sentences: list[list[int]]) -> Tensor:
        """Pad a batch's sentences from lists and encode them, float [B, D]."""
        longest = max(map(len, sentences))
        pad = self.split.pad_id
        ids = torch.tensor([s + [pad] * (longest - len(s)) for s in sentences]).to(self.device)
        real = [[1] * len(s) + [0] * (longest - len(s)) for s in sentences]
        mask = torch.tensor(real).to(self.device)
        hidden, pooled = self.bert(ids, mask)
        if self.corpus.task.pooling == "pooled":
            return pooled  # type: ignore[no-any-return]
        wide = mask[..., None].float()
        mean: Tensor = (hidden * wide).sum(dim=1) / wide.sum(dim=1)
        return mean

    def loss(self, indices: Indices) -> Tensor:
        """Return the loss of a batch, after a forward pass for each sentence of a pair."""
        examples = [self.split.sentences(int(index)) for index in indices]
        each = [
            self.vectors([s.tolist() for s in column]) for column in zip(*examples, strict=True)
        ]
        outputs = self.head(torch.stack(each, dim=1))
        labels = torch.from_numpy(self.split.labels[indices]).to(self.device)
        return loss_of(self.corpus, outputs, labels)

    def step(self, indices: Indices) -> None:
        """Take one training step."""
        loss = self.loss(indices)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
