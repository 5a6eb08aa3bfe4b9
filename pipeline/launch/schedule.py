"""Whose turn it is, where several stages may run at once.

Knows no DVC and no clock, so that the same rules can be simulated (benchmarks/scaling).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A stage that is to be run."""

    name: str
    after: frozenset[str]  # tasks that must have ended well before
    seconds: float  # that it is likely to take


def longest_ways(tasks: Iterable[Task]) -> dict[str, float]:
    """Return for each task the seconds from its start to the end of what hangs on it.

    Args:
        tasks: each after those that it waits for.
    """
    ordered = list(tasks)
    own = {task.name: task.seconds for task in ordered}
    ways = dict(own)
    for task in reversed(ordered):
        for name in task.after:
            ways[name] = max(ways[name], own[name] + ways[task.name])
    return ways


class Schedule:
    """Which tasks wait, run, ended or cannot run any more.

    Of those whose turn it is, the one with the longest way to the end comes first: the last one to
    end decides how long everything takes.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        """Begin with all tasks waiting.

        Args:
            tasks: each after those that it waits for; what they wait for outside of them is done.
        """
        ordered = list(tasks)
        names = {task.name for task in ordered}
        inside = [Task(t.name, t.after & names, t.seconds) for t in ordered]
        ways = longest_ways(inside)
        self.after: Mapping[str, frozenset[str]] = {
            task.name: task.after for task in sorted(inside, key=lambda task: -ways[task.name])
        }
        self.waiting = list(self.after)
        self.running: list[str] = []
        self.done: list[str] = []
        self.failed: list[str] = []
        self.left_out: list[str] = []  # since what they read could not be made

    @property
    def is_over(self) -> bool:
        """Say whether nothing runs and nothing can."""
        return not self.waiting and not self.running

    def ready(self) -> list[str]:
        """Return the tasks that could start now, in the order in which they should."""
        done = set(self.done)
        return [name for name in self.waiting if self.after[name] <= done]

    def start(self, name: str) -> None:
        """Note that a task runs."""
        self.waiting.remove(name)
        self.running.append(name)

    def end(self, name: str) -> None:
        """Note that a task ended well."""
        self.running.remove(name)
        self.done.append(name)

    def fail(self, name: str) -> list[str]:
        """Note that a task failed; return those that can now never start."""
        self.running.remove(name)
        self.failed.append(name)
        lost = {name}
        while more := {n for n in self.waiting if n not in lost and self.after[n] & lost}:
            lost |= more
        hanging = [n for n in self.waiting if n in lost]
        self.waiting = [n for n in self.waiting if n not in lost]
        self.left_out += hanging
        return hanging
