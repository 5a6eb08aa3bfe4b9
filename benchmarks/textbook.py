"""Peer (a): a completed course template, as a student would submit it.

We wrote it for this benchmark with the structure and the slowness of the template. It has eager
attention with separate query, key and value projections (our encoder without optimizations), random
batches padded from lists to their longest sentence, two forward passes per pair, an AdamW that
loops over parameters in Python, and gradients for all 30,522 embeddings. Even if frozen, the
encoder runs in every step, with dropout.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.core.tasks import Corpus, Mode
from pipeline.encoder.batches import Indices
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.pooling import sentence_vectors
from pipeline.encoder.weights import load_backbone
from pipeline.heads.model import Head, loss_of
from pipeline.tokens.token_cache import TokenizedSplit


class AdamW:
    """AdamW as in the assignment: a Python loop with several operations per parameter."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self.parameters = list(parameters)
        self.rate, self.betas, self.epsilon = rate, (0.9, 0.999), 1e-6
        self.state: dict[nn.Parameter, tuple[int, Tensor, Tensor]] = {}

    def zero_grad(self) -> None:
        """Remove all gradients."""
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
            root = math.sqrt(1 - second_beta**step)
            rate = self.rate * root / (1 - first_beta**step)
            # torch adds epsilon after the bias correction, as does Algorithm 1 of the paper
            parameter.sub_(rate * first / (second.sqrt() + self.epsilon * root))
            self.state[parameter] = (step, first, second)


class Textbook:
    """Trains on a corpus in the way that the template does."""

    def __init__(
        self, split: TokenizedSplit, backbone_dir: Path, mode: Mode, device: torch.device
    ) -> None:
        self.split, self.device = split, device
        self.corpus: Corpus = split.corpus
        self.bert = self.load(backbone_dir).to(device).train()
        self.bert.requires_grad_(mode == "finetune")
        self.head = Head(self.corpus, self.bert.config.hidden_size, 0.3).to(device)
        parameters = [*self.bert.parameters(), *self.head.parameters()]
        rate = 1e-3 if mode == "pretrain" else 1e-5
        self.optimizer = self.optimizer_of([p for p in parameters if p.requires_grad], rate)

    def load(self, folder: Path) -> Any:
        """Return the encoder."""
        return load_backbone(folder, PLAIN)

    def optimizer_of(self, parameters: Iterable[nn.Parameter], rate: float) -> Any:
        """Return the optimizer."""
        return AdamW(parameters, rate)

    def vectors(self, sentences: Sequence[NDArray[np.int32]]) -> Tensor:
        """Pad a batch's sentences from lists and encode them, float [B, D]."""
        longest = max(map(len, sentences))
        pad = self.split.pad_id
        ids = [s.tolist() + [pad] * (longest - len(s)) for s in sentences]
        real = [[True] * len(s) + [False] * (longest - len(s)) for s in sentences]
        tokens, mask = (torch.tensor(each).to(self.device) for each in (ids, real))
        starts = torch.zeros_like(tokens[:, :1])
        return sentence_vectors(self.bert, tokens, mask, starts, self.corpus.task.pooling)[:, 0]

    def outputs(self, indices: Indices) -> Tensor:
        """Return the head's outputs, using a separate forward pass for each sentence of a pair."""
        examples = [self.split.sentences(int(index)) for index in indices]
        each = [self.vectors(column) for column in zip(*examples, strict=True)]
        outputs: Tensor = self.head(torch.stack(each, dim=1))
        return outputs

    def step(self, indices: Indices) -> None:
        """Run one training step on a batch."""
        labels = torch.from_numpy(self.split.labels[indices]).to(self.device)
        loss = loss_of(self.corpus, self.outputs(indices), labels)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
