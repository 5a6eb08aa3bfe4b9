"""Examples computed together: which ones, in what order, and their padding.

Shapes are written [B, S, T]: B examples, S sentences in each, T tokens with padding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from pipeline.tokens.token_cache import TokenizedSplit

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Examples with their padding."""

    input_ids: Tensor  # int64 [B, S, T]
    attention_mask: Tensor  # bool [B, S, T], True at real tokens
    labels: Tensor  # float [B], NaN where there is none


class Collator:
    """A split on a device, cut into batches there: nothing but indices crosses over."""

    def __init__(self, split: TokenizedSplit, device: torch.device) -> None:
        self.longest = split.lengths  # stays on the host, which so knows every batch's width
        shape = (len(split), split.corpus.task.num_sentences)
        offsets = torch.from_numpy(np.array(split.offsets)).to(device)
        self.starts = offsets[:-1].view(shape)  # [N, S]
        self.lengths = offsets.diff().view(shape)  # [N, S]
        self.input_ids = torch.from_numpy(np.array(split.input_ids, dtype=np.int64)).to(device)
        self.labels = torch.from_numpy(np.array(split.labels)).to(device)
        self.pad_id = split.pad_id

    def collate(self, indices: Indices) -> Batch:
        """Fill examples up to the longest sentence among them."""
        device = self.input_ids.device
        chosen = torch.from_numpy(indices).to(device, non_blocking=True)
        place = torch.arange(int(self.longest[indices].max()), device=device)  # [T]
        mask = place < self.lengths[chosen].unsqueeze(-1)  # [B, S, T]
        where = (self.starts[chosen].unsqueeze(-1) + place).clamp_max_(len(self.input_ids) - 1)
        input_ids = self.input_ids[where].masked_fill_(~mask, self.pad_id)
        return Batch(input_ids, mask, self.labels[chosen])


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
    pool_size = batch_size * pool_batches
    if pool_batches > 1:
        pools = [order[start : start + pool_size] for start in range(0, len(order), pool_size)]
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = list(_cut(order, batch_size))
    return [batches[index] for index in generator.permutation(len(batches))]


def sorted_batches(lengths: NDArray[np.int64], batch_size: int) -> list[Indices]:
    """Cut examples into batches of like length, the longest first.

    For evaluation, where order is free; the largest batch comes first, so that a device too
    small for it fails at once.
    """
    return list(_cut(np.argsort(-lengths, kind="stable"), batch_size))


def _cut(order: Indices, size: int) -> Iterator[Indices]:
    for start in range(0, len(order), size):
        yield order[start : start + size]
