"""Where the numbers are kept, and what several parts read out of them."""

from collections.abc import Mapping, Sequence
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


def lock_seconds(size: Results, processors: int) -> float | None:
    """Return how long a stage keeps others from DVC's lock; None where no measurement tells.

    n that begin at once start up side by side and then hold the lock in turn, which takes
    start + n x lock; one alone takes start + lock. Counted are as many at once as processors, or
    nearest to that: more would wait for processors, too. What is left of that is in the result.
    """
    alone = wall(size, "stage")
    measured = [
        (count, together)
        for count in AT_ONCE
        if (together := wall(size, f"{count} stages")) is not None
    ]
    if alone is None or not measured:
        return None
    count, together = min(measured, key=lambda each: abs(each[0] - processors))
    lock = min(alone, (together - alone) / (count - 1))
    return lock if lock > 0 else None


def overhead_at(graph: Results, stages: int) -> Overhead:
    """Return what DVC adds to a stage in a graph of so many stages, between those measured.

    Beyond them it is taken to grow with the number of stages. Where no lock was measured at all,
    it is taken for all that DVC adds.
    """
    sizes, processors = graph["sizes"], graph["machine"]["cores"]
    alone = _at(stages, [(size["stages"], wall(size, "stage")) for size in sizes])
    locks = [(size["stages"], lock_seconds(size, processors)) for size in sizes]
    lock = min(alone, _at(stages, locks)) if any(lock for _, lock in locks) else alone
    return Overhead(alone - lock, lock)


def _at(stages: int, measured: Sequence[tuple[int, float | None]]) -> float:
    """Return seconds between those measured, and beyond the last in proportion to stages."""
    known = [(count, seconds) for count, seconds in measured if seconds is not None]
    counts = [count for count, _ in known]
    between = np.interp(stages, counts, [seconds for _, seconds in known])
    return max(1.0, stages / counts[-1]) * float(between)
