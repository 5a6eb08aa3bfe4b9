"""Things timed in turns, so that a machine that slows down slows all alike."""

import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

Name = TypeVar("Name", bound=str)
Taken = TypeVar("Taken")
PRELOADED = ["torch", "transformers", "benchmarks.measure", "pipeline.training.loop"]


def in_turns(
    names: Iterable[Name], rounds: int, take: Callable[[Name, int], Taken]
) -> dict[Name, list[Taken]]:
    """Let each name take a turn in every round; `take` gets the name and the round from 0."""
    turns: dict[Name, list[Taken]] = {name: [] for name in names}
    for number in range(rounds):
        for name, taken in turns.items():
            taken.append(take(name, number))
    return turns


def seconds_of(action: Callable[[], Any]) -> float:
    """Return the seconds of an action, a GPU's work included."""
    wait()
    started = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - started


def wait() -> None:
    """Wait until a GPU has done what it was asked."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def apart(action: Callable[..., Taken], *arguments: Any) -> Taken:
    """Call a function in a new process, forked from one that has torch loaded.

    Its peak memory is its own, and no other lives on what it left there.

    Raises:
        BrokenProcessPool: the process was killed, by the system for its memory perhaps.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(action, *arguments).result()
