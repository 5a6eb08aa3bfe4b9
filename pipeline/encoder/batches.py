"""Batches: which examples they contain, in what order, and how they are padded.

Shapes are written [B, G, T]: B examples, each with S sentences in G sequences of T tokens,
including padding. A sequence is one sentence, or a joint pair: `[CLS] a [SEP] [CLS] b [SEP]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from pipeline.core.tasks import Corpus
from pipeline.tokens.token_cache import TokenizedSplit

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Chosen:
    """The indices of the examples in a batch."""

    indices: Tensor  # int64 [B], on the same device as the examples
    longest: int  # T; kept on the host, so that reading it does not wait for the device

    def described(self, corpus: Corpus) -> str:
        """Describe the batch for a message to the user."""
        examples = f"{len(self.indices)} examples of up to {self.longest} tokens"
        return f"a batch of {examples} of {corpus.name}"


@dataclass(frozen=True)
class Batch:
    """A batch of padded examples."""

    input_ids: Tensor  # int64 [B, G, T]
    attention_mask: Tensor  # bool [B, G, T], True at real tokens
    second: Tensor | None  # int64 [B], where the second sentence of a joint pair starts


def joined(split: TokenizedSplit) -> TokenizedSplit:
    """Join the two sentences of each pair of a split into one sequence.

    A pair longer than `max_length` is truncated at the end of its longer sentence; if that is not
    enough, at the end of both. Each sentence keeps its [SEP].
    """
    lengths = np.diff(split.offsets).reshape(-1, 2)  # [N, 2]
    limit = split.max_length
    second = np.minimum(lengths[:, 1], np.maximum(limit - lengths[:, 0], limit // 2))
    kept = np.stack([np.minimum(lengths[:, 0], limit - second), second], axis=1)
    num_cut = int((kept < lengths).any(axis=1).sum())
    if not num_cut:
        return replace(split, is_joint=True)
    length = np.repeat(lengths.ravel(), lengths.ravel())  # of each token's sentence
    position = np.arange(len(split.input_ids)) - np.repeat(split.offsets[:-1], lengths.ravel())
    is_kept = (position < np.repeat(kept.ravel(), lengths.ravel()) - 1) | (position == length - 1)
    return replace(
        split,
        input_ids=split.input_ids[is_kept],
        offsets=np.cumsum([0, *kept.ravel()], dtype=np.int64),
        is_joint=True,
        num_cut=num_cut,
    )


class TokenExamples:
    """The token ids of a split, stored on a device, from which it makes padded batches."""

    def __init__(self, split: TokenizedSplit, device: torch.device) -> None:
        self.split = split
        shape = (len(split), split.num_sequences)
        offsets = torch.from_numpy(np.array(split.sequence_offsets)).to(device)
        self.starts = offsets[:-1].view(shape)  # [N, G]
        self.lengths = offsets.diff().view(shape)  # [N, G]
        self.second = None  # where the second sentence of each joint pair starts, [N]
        if split.is_joint:
            self.second = torch.from_numpy(np.diff(split.offsets)[::2].copy()).to(device)
        self.input_ids = torch.from_numpy(np.array(split.input_ids, dtype=np.int64)).to(device)

    def batch(self, chosen: Chosen) -> Batch:
        """Return the chosen examples, padded to the longest sequence among them."""
        position = torch.arange(chosen.longest, device=self.input_ids.device)  # [T]
        mask = position < self.lengths[chosen.indices].unsqueeze(-1)  # [B, G, T]
        where = self.starts[chosen.indices].unsqueeze(-1) + position
        input_ids = self.input_ids[where.clamp_max_(len(self.input_ids) - 1)]
        second = None if self.second is None else self.second[chosen.indices]
        return Batch(input_ids.masked_fill_(~mask, self.split.pad_id), mask, second)


def on_device(
    batches: Sequence[Indices], lengths: NDArray[np.int64], device: torch.device
) -> list[Chosen]:
    """Send the indices of all batches of an epoch to a device at once: no step has to wait.

    Args:
        batches: the indices of the examples in each batch.
        lengths: the number of tokens in the longest sequence of each example.
        device: the device that holds the examples.
    """
    order = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *batches])).to(device)
    parts = torch.split(order, [len(batch) for batch in batches])
    return [
        Chosen(indices, int(lengths[batch].max()))
        for indices, batch in zip(parts, batches, strict=True)
    ]


def num_batches(num_examples: int, batch_size: int) -> int:
    """Return the number of batches in an epoch; the last one may be smaller."""
    return -(-num_examples // batch_size)


def shuffled_batches(
    lengths: Sequence[int] | NDArray[np.int64],
    batch_size: int,
    pool_batches: int,
    generator: Generator,
) -> list[Indices]:
    """Divide one epoch into batches of examples of similar length, in random order.

    Examples are shuffled and divided into pools of `pool_batches` batches. Each pool is sorted by
    length and divided into batches; then all batches are shuffled. Every example occurs exactly
    once. With `pool_batches` = 1, this is plain shuffling.
    """
    lengths = np.asarray(lengths)
    order = generator.permutation(len(lengths))
    if pool_batches > 1:
        size = batch_size * pool_batches
        for start in range(0, len(order), size):
            pool = order[start : start + size]
            pool[:] = pool[np.argsort(lengths[pool], kind="stable")]  # a view, so `order` changes
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def sorted_batches(lengths: NDArray[np.int64], batch_size: int) -> list[Indices]:
    """Divide examples into batches of similar length, longest first.

    This is for evaluation, where the order does not matter. The largest batch comes first, so that
    a device with too little memory fails at once.
    """
    order = np.argsort(-lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
