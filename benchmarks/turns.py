"""Measures contenders alternately, so that a slowdown of the machine affects all of them."""

import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

Name = TypeVar("Name", bound=str)
Taken = TypeVar("Taken")
PRELOADED = ["torch", "transformers", "benchmarks.measure", "pipeline.training.loop"]


def alternating(
    names: Iterable[Name], rounds: int, take: Callable[[Name, int], Taken]
) -> dict[Name, list[Taken]]:
    """Call `take` with each name and the number of each round, counted from 0."""
    turns: dict[Name, list[Taken]] = {name: [] for name in names}
    for number in range(rounds):
        for name, taken in turns.items():
            taken.append(take(name, number))
    return turns


def seconds_of(action: Callable[[], Any]) -> float:
    """Return how many seconds an action takes, including its work on a GPU."""
    wait()
    started = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - started


def wait() -> None:
    """Wait until the GPU has finished its work."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def in_new_process(action: Callable[..., Taken], *arguments: Any) -> Taken:
    """Call a function in a new process that is forked from one that has loaded torch.

    This way, one call does not affect the peak memory or the memory content of another.

    Raises:
        BrokenProcessPool: the process was killed, perhaps because memory ran out.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(action, *arguments).result()
