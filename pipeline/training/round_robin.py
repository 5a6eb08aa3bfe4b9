"""The order in which corpora take turns (Equation 1 of the paper).

In each round, the smallest corpus gives one batch, and every other corpus gives
`floor(its batches / batches of the smallest)`. The remaining batches are left out of the epoch.
"""

from collections.abc import Iterator, Mapping

from pipeline.core.tasks import CorpusName


def turns_per_round(num_batches: Mapping[CorpusName, int]) -> dict[CorpusName, int]:
    """Return the number of batches of each corpus in one round (R); the smallest gives one."""
    smallest = min(num_batches.values())
    if smallest < 1:
        raise ValueError(f"every corpus needs at least one batch, got {dict(num_batches)}")
    return {corpus: count // smallest for corpus, count in num_batches.items()}


def round_robin(num_batches: Mapping[CorpusName, int]) -> Iterator[CorpusName]:
    """Yield the corpus of each training step of one epoch, in order.

    Args:
        num_batches: the number of batches of each corpus, in the order of their turns.
    """
    turns = turns_per_round(num_batches)
    for _ in range(min(num_batches.values())):
        for corpus, count in turns.items():
            yield from [corpus] * count


def loss_weights(num_batches: Mapping[CorpusName, int]) -> dict[CorpusName, float]:
    """Return the weight of each loss: 1 / R, so that all corpora count equally."""
    return {corpus: 1.0 / count for corpus, count in turns_per_round(num_batches).items()}


def discarded_batches(num_batches: Mapping[CorpusName, int]) -> dict[CorpusName, int]:
    """Count the batches of each corpus that the floor leaves out of an epoch."""
    turns, smallest = turns_per_round(num_batches), min(num_batches.values())
    return {corpus: count - turns[corpus] * smallest for corpus, count in num_batches.items()}
