"""Examples computed together: which ones, in what order, and their padding.

Shapes are written [B, G, T]: B examples of S sentences, G sequences in each, T tokens with padding.
A sequence is a sentence, or a joint pair: `[CLS] a [SEP] [CLS] b [SEP]`, where S is 2 and G 1.
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
    """Examples that are computed together, by their numbers."""

    indices: Tensor  # int64 [B], on the device of what is chosen from
    longest: int  # T; the host knows it, so that it need not ask the device

    def described(self, corpus: Corpus) -> str:
        """Say in words what is computed together, for a message to the user."""
        examples = f"{len(self.indices)} examples of up to {self.longest} tokens"
        return f"a batch of {examples} of {corpus.name}"


@dataclass(frozen=True)
class Batch:
    """Examples with their padding."""

    input_ids: Tensor  # int64 [B, G, T]
    attention_mask: Tensor  # bool [B, G, T], True at real tokens
    second: Tensor | None  # where the second sentence of a joint pair begins, int64 [B]


def joined(split: TokenizedSplit) -> TokenizedSplit:
    """Return a split of pairs whose two sentences are one sequence.

    A pair longer than `max_length` is cut: the longer sentence first, each at its end, and each
    keeps its [SEP].
    """
    lengths = np.diff(split.offsets).reshape(-1, 2)  # [N, 2]
    limit = split.max_length
    second = np.minimum(lengths[:, 1], np.maximum(limit - lengths[:, 0], limit // 2))
    kept = np.stack([np.minimum(lengths[:, 0], limit - second), second], axis=1)
    num_cut = int((kept < lengths).any(axis=1).sum())
    if not num_cut:
        return replace(split, is_joint=True)
    length_of = np.repeat(lengths.ravel(), lengths.ravel())  # of each token's sentence
    place = np.arange(len(split.input_ids)) - np.repeat(split.offsets[:-1], lengths.ravel())
    stays = (place < np.repeat(kept.ravel(), lengths.ravel()) - 1) | (place == length_of - 1)
    return replace(
        split,
        input_ids=split.input_ids[stays],
        offsets=np.cumsum([0, *kept.ravel()], dtype=np.int64),
        is_joint=True,
        num_cut=num_cut,
    )


class TokenExamples:
    """A split as token ids on a device, cut into batches there."""

    def __init__(self, split: TokenizedSplit, device: torch.device) -> None:
        self.split = split
        shape = (len(split), split.num_sequences)
        offsets = torch.from_numpy(np.array(split.sequence_offsets)).to(device)
        self.starts = offsets[:-1].view(shape)  # [N, G]
        self.lengths = offsets.diff().view(shape)  # [N, G]
        self.second = None  # where the second sentence of each pair begins in its sequence, [N]
        if split.is_joint:
            self.second = torch.from_numpy(np.diff(split.offsets)[::2].copy()).to(device)
        self.input_ids = torch.from_numpy(np.array(split.input_ids, dtype=np.int64)).to(device)

    def batch(self, chosen: Chosen) -> Batch:
        """Return some examples, padded to the longest sequence among them."""
        place = torch.arange(chosen.longest, device=self.input_ids.device)  # [T]
        mask = place < self.lengths[chosen.indices].unsqueeze(-1)  # [B, G, T]
        where = self.starts[chosen.indices].unsqueeze(-1) + place
        input_ids = self.input_ids[where.clamp_max_(len(self.input_ids) - 1)]
        second = None if self.second is None else self.second[chosen.indices]
        return Batch(input_ids.masked_fill_(~mask, self.split.pad_id), mask, second)


def on_device(
    batches: Sequence[Indices], lengths: NDArray[np.int64], device: torch.device
) -> list[Chosen]:
    """Send the batches of an epoch to a device at once, so that no step waits for its own.

    Args:
        batches: the examples of each, by number.
        lengths: tokens of every example's longest sequence.
        device: where the examples are.
    """
    order = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *batches])).to(device)
    parts = torch.split(order, [len(batch) for batch in batches])
    return [
        Chosen(indices, int(lengths[batch].max()))
        for indices, batch in zip(parts, batches, strict=True)
    ]


def num_batches(num_examples: int, batch_size: int) -> int:
    """Count the batches of an epoch; the last may be smaller than the rest."""
    return -(-num_examples // batch_size)


def shuffled_batches(
    lengths: Sequence[int] | NDArray[np.int64],
    batch_size: int,
    pool_batches: int,
    generator: Generator,
) -> list[Indices]:
    """Cut one epoch into batches of examples of like length, in random order.

    Examples are shuffled, taken in pools of `pool_batches` batches, sorted by length inside each
    pool, cut, and the batches shuffled. Every example comes exactly once. A pool of one batch
    is plain shuffling.
    """
    lengths = np.asarray(lengths)
    order = generator.permutation(len(lengths))
    if pool_batches > 1:
        size = batch_size * pool_batches
        for start in range(0, len(order), size):
            pool = order[start : start + size]
            pool[:] = pool[np.argsort(lengths[pool], kind="stable")]  # a view: `order` changes
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def sorted_batches(lengths: NDArray[np.int64], batch_size: int) -> list[Indices]:
    """Cut examples into batches of like length, the longest first.

    For evaluation, where order is free; the largest batch comes first, so that a device too
    small for it fails at once.
    """
    order = np.argsort(-lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
