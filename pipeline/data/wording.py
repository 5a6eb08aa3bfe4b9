"""Helpers shared by the generators of synthetic examples."""

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
    """Return one of `items`, all equally likely."""
    return items[int(rng.integers(len(items)))]


def pick_weighted(rng: Generator, items: Sequence[Item], weights: Sequence[float]) -> Item:
    """Return one of `items` with a probability proportional to its weight."""
    return items[by_share(float(rng.random()), weights)]


def by_share(quantile: float, shares: Sequence[float]) -> int:
    """Return the index of the class into which a quantile from [0, 1) falls, given the shares."""
    wanted = quantile * sum(shares)
    for index, share in enumerate(shares):
        wanted -= share
        if wanted < 0:
            return index
    return len(shares) - 1


def capitalized(sentence: str) -> str:
    """Return a sentence with its first letter in upper case and the others unchanged."""
    return sentence[:1].upper() + sentence[1:]
