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


def collate(split: TokenizedSplit, indices: Indices, device: torch.device) -> Batch:
    """Fill examples up to the longest sentence among them."""
    sentences = [sentence for index in indices for sentence in split.sentences(int(index))]
    longest = max(len(sentence) for sentence in sentences)
    ids = np.full((len(sentences), longest), split.pad_id, dtype=np.int64)
    mask = np.zeros((len(sentences), longest), dtype=np.bool_)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = sentence
        mask[row, : len(sentence)] = True
    shape = (len(indices), split.corpus.task.num_sentences, longest)
    return Batch(
        torch.from_numpy(ids).view(shape).to(device),
        torch.from_numpy(mask).view(shape).to(device),
        torch.from_numpy(split.labels[indices]).to(device),
    )


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
