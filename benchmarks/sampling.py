"""An epoch's time from a few of its batches.

Batches of an epoch differ in size, most of all where they are cut by length. So a few are chosen
evenly from the smallest to the largest, and what they took is scaled by how much work they are of
the whole: without that, a turn that falls on small batches would flatter its contender.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.encoder.batches import Indices
from pipeline.tokens.token_cache import TokenizedSplit

Work = NDArray[np.float64]  # of each batch of an epoch, in a unit of its own


def spread(work: Work, count: int, shift: float) -> list[int]:
    """Choose batches evenly spaced over their sorted work, the smallest first.

    Args:
        work: of each batch to choose from.
        count: how many to choose.
        shift: 0 to 1: where in each of `count` equal parts the choice falls.

    Returns:
        Numbers of batches. Over shifts spread evenly from 0 to 1 every batch is chosen
        equally often.
    """
    order = np.argsort(work, kind="stable")
    places = ((np.arange(count) + shift) / count * len(order)).astype(int)
    return [int(order[place]) for place in np.minimum(places, len(order) - 1)]


def epoch_seconds(seconds: Sequence[float], chosen: Work, work: Work) -> float:
    """Estimate an epoch from what chosen batches took: exact where time grows with work."""
    return float(np.sum(seconds) / chosen.sum() * work.sum())


def padded_tokens(split: TokenizedSplit, batches: Sequence[Indices]) -> Work:
    """Count the tokens of each batch with its padding."""
    sentences = split.corpus.task.num_sentences
    return np.array(
        [split.lengths[batch].max() * len(batch) * sentences for batch in batches], dtype=np.float64
    )


def real_tokens(split: TokenizedSplit, batches: Sequence[Indices]) -> Work:
    """Count the tokens of each batch without its padding."""
    per_example = np.diff(split.offsets).reshape(len(split), -1).sum(axis=1)
    return np.array([per_example[batch].sum() for batch in batches], dtype=np.float64)
