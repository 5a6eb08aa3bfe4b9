"""Which graphs are simulated: this one and sweeps of it, on stage times of two profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.scaling.results import Results, overhead_at
from benchmarks.scaling.simulation import bounds, longest_path, makespan, simulate, swept
from pipeline.errors import PipelineError
from pipeline.launch.plan import PlannedStage
from pipeline.launch.schedule import Task

WORKERS = (1, 2, 4, 8, 16, 32, 64)
SEEDS = (1, 5, 10, 100)  # of a sweep of all runs; 100 are as many as one may have


def tasks_of(stages: Sequence[PlannedStage], seconds: Mapping[str, float]) -> list[Task]:
    """Return the whole graph, whatever of it is up to date.

    Raises:
        PipelineError: nobody knows what one of its stages takes.
    """
    unknown = [stage.name for stage in stages if stage.name not in seconds]
    if unknown:
        raise PipelineError(
            f"nothing says what {', '.join(unknown)} take; run `make repro` once, it notes that"
        )
    return [Task(stage.name, stage.after, seconds[stage.name]) for stage in stages]


def simulated(
    stages: Sequence[PlannedStage],
    seconds: Mapping[str, Mapping[str, float]],
    one_thread: Mapping[str, float],
    graph: Results,
) -> dict[str, Any]:
    """Simulate the table and sweeps of it on more and more workers.

    Args:
        stages: the graph, in DVC's order.
        seconds: of each stage, by profile.
        one_thread: of each stage on one thread, for a comparison with what was measured; or none.
        graph: what reports/scaling/graph.json holds.
    """
    cases = [
        case(tasks_of(stages, taken), seeds, graph) | {"profile": profile}
        for profile, taken in seconds.items()
        for seeds in SEEDS
    ]
    alone = case(tasks_of(stages, one_thread), 1, graph) if one_thread else None
    return {"seconds": seconds, "cases": cases, "one_thread": alone}


def case(tasks: Sequence[Task], seeds: int, graph: Results) -> dict[str, Any]:
    """Simulate a sweep of so many seeds; one is the table itself."""
    grown = swept(tasks, seeds)
    overhead = overhead_at(graph, len(grown))
    return {
        "seeds": seeds,
        "stages": len(grown),
        "overhead": asdict(overhead),
        "bounds": asdict(bounds(grown, overhead)),
        "longest_path": longest_path(grown, overhead),
        "makespans": {str(n): makespan(simulate(grown, n, overhead)) for n in WORKERS},
    }
