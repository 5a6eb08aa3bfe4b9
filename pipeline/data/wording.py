"""What every generator of synthetic examples needs: an example, a choice, a well-formed phrase."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from numpy.random import Generator

Item = TypeVar("Item")


class Example(NamedTuple):
    """One generated row; `second` is empty for a single sentence."""

    first: str
    second: str
    label: float


def pick(rng: Generator, items: Sequence[Item]) -> Item:
    """Return one of `items`, each as likely as the others."""
    return items[int(rng.integers(len(items)))]


def pick_weighted(rng: Generator, items: Sequence[Item], weights: Sequence[float]) -> Item:
    """Return one of `items`, as likely as its share of the weights."""
    return items[by_share(float(rng.random()), weights)]


def by_share(quantile: float, shares: Sequence[float]) -> int:
    """Return the class in which a quantile from [0, 1) falls when classes have these shares."""
    wanted = quantile * sum(shares)
    for index, share in enumerate(shares):
        wanted -= share
        if wanted < 0:
            return index
    return len(shares) - 1


def capitalised(sentence: str) -> str:
    """Return a sentence with its first letter large and the others as they are."""
    return sentence[:1].upper() + sentence[1:]
