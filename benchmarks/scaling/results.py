"""Where the numbers are kept, and what several parts read out of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scaling.simulation import Overhead
from pipeline.files import read_json

FOLDER = Path("reports/scaling")
PARTS = ("graph", "jobs", "simulate")
AT_ONCE = (2, 4, 8)  # stages that are begun together on a graph
Results = Mapping[str, Any]


def part_json(part: str) -> Path:
    """Return the file of a part's numbers."""
    return FOLDER / f"{part}.json"


def read_parts() -> dict[str, Results]:
    """Return the numbers of all parts that were measured."""
    return {part: read_json(part_json(part)) for part in PARTS if part_json(part).is_file()}


def wall(size: Results, what: str) -> float | None:
    """Return the seconds that a command took on a graph; None where it was given up."""
    cost: Results | None = size["costs"].get(what)
    return float(cost["wall_seconds"]) if cost else None


def lock_seconds(size: Results) -> float | None:
    """Return how long a stage keeps others from DVC's lock.

    Where several began at once each waits for all others: that is what they took, shared out.
    Where that was not measured, no more is known than what one alone takes.
    """
    for count in sorted(AT_ONCE, reverse=True):
        together = wall(size, f"{count} stages")
        if together is not None:
            return together / count
    return wall(size, "stage")


def overhead_at(graph: Results, runs: int) -> Overhead:
    """Return what DVC adds to a stage in a graph of so many runs, between those measured.

    Beyond them it is taken to grow with the number of runs, as it does between them.
    """
    known = [
        (size["runs"], alone, lock)
        for size in graph["sizes"]
        if (alone := wall(size, "stage")) is not None and (lock := lock_seconds(size)) is not None
    ]
    sizes = [size for size, _, _ in known]
    lock = float(np.interp(runs, sizes, [lock for _, _, lock in known]))
    alone = float(np.interp(runs, sizes, [alone for _, alone, _ in known]))
    beyond = max(1.0, runs / sizes[-1])
    return Overhead(beyond * max(0.0, alone - lock), beyond * lock)
