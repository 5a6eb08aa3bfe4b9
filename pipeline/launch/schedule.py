"""Orders stages by priority: the stage with the longest path to the end of the graph starts first.

The last stage to finish determines the total time.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A stage to run."""

    name: str
    after: frozenset[str]  # names of tasks that it waits for; names without a task are done
    seconds: float  # expected duration


def longest_way_first(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks by priority, each one after the tasks that it waits for.

    A task's way is its longest path, in seconds: from its start to the end of the last task that
    depends on it. The given tasks must be in topological order.
    """
    ordered = list(tasks)
    own = {task.name: task.seconds for task in ordered}
    ways = dict(own)
    for task in reversed(ordered):
        for name in task.after & own.keys():
            ways[name] = max(ways[name], own[name] + ways[task.name])
    return sorted(ordered, key=lambda task: -ways[task.name])
