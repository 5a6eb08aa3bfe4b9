"""Priority of the stages that can start: the one with the longest path to the end goes first.

The last stage to end decides how long everything takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A stage to run."""

    name: str
    after: frozenset[str]  # tasks that it waits for; a name without a task is done
    seconds: float  # expected duration


def longest_way_first(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks by priority, each one after the tasks that it waits for.

    A way is the seconds from the start of a task to the end of all that depends on it. The tasks
    must come in such an order, too.
    """
    ordered = list(tasks)
    own = {task.name: task.seconds for task in ordered}
    ways = dict(own)
    for task in reversed(ordered):
        for name in task.after & own.keys():
            ways[name] = max(ways[name], own[name] + ways[task.name])
    return sorted(ordered, key=lambda task: -ways[task.name])
