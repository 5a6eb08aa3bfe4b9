"""How long a graph of stages would take on so many workers, under the launcher's own rules.

`pipeline.launch.schedule` says whose turn it is; here is a clock, workers, and DVC's lock of the
repository, which one stage at a time holds before its command and again after it.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

from pipeline.launch.schedule import Schedule, Task, longest_ways


@dataclass(frozen=True)
class Overhead:
    """What DVC adds to a stage, in seconds."""

    start: float = 0.0  # its start-up, which others do not wait for
    lock: float = 0.0  # while it holds the lock: half before the command, half after

    @property
    def whole(self) -> float:
        """Return what a stage takes longer where nobody else wants the lock."""
        return self.start + self.lock


NONE = Overhead()


class Phase(Enum):
    """What a task does next."""

    BEFORE = "DVC looks at it, with the lock"
    AFTER = "its command is done, and DVC takes that down, with the lock"
    END = "another one may use the worker"


@dataclass(frozen=True)
class Ran:
    """A stage that ran."""

    name: str
    worker: int
    start: float  # seconds since the first
    end: float


def simulate(tasks: Iterable[Task], workers: int, overhead: Overhead = NONE) -> list[Ran]:
    """Return when each task ran, in the order of their ends.

    Args:
        tasks: each after those that it waits for.
        workers: how many run at once, each as fast as what the seconds were measured on.
        overhead: of every task.
    """
    tasks = list(tasks)
    schedule, seconds = Schedule(tasks), {task.name: task.seconds for task in tasks}
    free, started, ran = list(range(workers)), dict[str, tuple[int, float]](), list[Ran]()
    lock_free, order = 0.0, count()
    events: list[tuple[float, int, Phase, str]] = []  # when a phase of a task can begin

    def begin(now: float) -> None:
        for name in schedule.ready()[: len(free)]:
            schedule.start(name)
            started[name] = (heapq.heappop(free), now)
            heapq.heappush(events, (now + overhead.start, next(order), Phase.BEFORE, name))

    begin(0.0)
    while events:
        now, _, phase, name = heapq.heappop(events)
        if phase == Phase.END:
            worker, start = started[name]
            ran.append(Ran(name, worker, start, now))
            heapq.heappush(free, worker)
            schedule.end(name)
            begin(now)
            continue
        lock_free = max(now, lock_free) + overhead.lock / 2
        following = (
            (lock_free + seconds[name], next(order), Phase.AFTER, name)
            if phase == Phase.BEFORE
            else (lock_free, next(order), Phase.END, name)
        )
        heapq.heappush(events, following)
    return ran


def makespan(ran: Iterable[Ran]) -> float:
    """Return when the last one ended."""
    return max((each.end for each in ran), default=0.0)


@dataclass(frozen=True)
class Bounds:
    """What no number of workers, or not this one, can go below; in seconds."""

    work: float  # of all tasks, one after another
    path: float  # the longest of tasks that wait for each other
    lock: float  # of all tasks, which hold it one at a time


def bounds(tasks: Sequence[Task], overhead: Overhead = NONE) -> Bounds:
    """Say what limits a graph."""
    ways = longest_ways(with_overhead(tasks, overhead))
    work = sum(task.seconds + overhead.whole for task in tasks)
    return Bounds(work, max(ways.values()), overhead.lock * len(tasks))


def longest_path(tasks: Sequence[Task], overhead: Overhead = NONE) -> list[str]:
    """Name the tasks of the longest way through the graph, from the first to the last."""
    ways = longest_ways(with_overhead(tasks, overhead))
    path = [max(ways, key=lambda name: ways[name])]
    while hanging := [task.name for task in tasks if path[-1] in task.after]:
        path.append(max(hanging, key=lambda name: ways[name]))
    return path


def with_overhead(tasks: Iterable[Task], overhead: Overhead) -> list[Task]:
    """Return tasks that take what DVC adds to them, too."""
    return [Task(task.name, task.after, task.seconds + overhead.whole) for task in tasks]


def swept(tasks: Iterable[Task], seeds: int) -> list[Task]:
    """Return the graph of a sweep: for each run and each further seed a trial.

    A trial trains and scores in one stage. It is taken to need what these two take, less one
    start-up; that is the shortest scoring, which hardly does anything else.
    """
    tasks = list(tasks)
    scoring = {t.name: t.seconds for t in tasks if t.name.startswith("evaluate@")}
    start = min(scoring.values(), default=0.0)
    trials: dict[str, list[str]] = {}  # of each run, by what scores the run itself
    grown = []
    for task in tasks:
        hanging = [trial for name in task.after for trial in trials.get(name, [])]
        grown.append(Task(task.name, task.after.union(hanging), task.seconds))
        kind, _, run = task.name.partition("@")
        if kind == "train":
            scored = f"evaluate@{run}"
            seconds = task.seconds + scoring.get(scored, start) - start
            trials[scored] = [f"trials@{run} {seed}" for seed in range(2, seeds + 1)]
            grown += [Task(name, task.after, seconds) for name in trials[scored]]
    return grown
