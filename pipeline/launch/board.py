"""What runs where: one live table on a terminal, a line at each start and end elsewhere."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.launch.job import WAITING
from pipeline.launch.schedule import Schedule
from pipeline.launch.times import duration
from pipeline.launch.workers import Workers

HEADERS = ("stage", "where", "time", "last")


class QuietConsole(Console):
    """A console on stderr that says nothing more once nobody reads it; rich would end all."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    def on_broken_pipe(self) -> None:
        """Go on without a word."""
        self.quiet = True


@dataclass
class Row:
    """A stage that runs."""

    where: str
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return since when it runs."""
        return time.monotonic() - self.started


class Board:
    """Shows a launch; nothing depends on it."""

    def __init__(self, console: Console, last: dict[str, float], jobs: int | None) -> None:
        """Begin with nothing to show.

        Args:
            console: where to.
            last: seconds of each stage's last run, where they are known.
            jobs: stages at once, if that is known.
        """
        self.console = console
        self.last = last
        self.jobs = jobs
        self.rows: dict[str, Row] = {}
        self._waits: set[str] = set()  # what stages waited for
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        """Begin to be live, where somebody looks."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        """Leave the lines and take the table away."""
        self._live.stop()

    def began(self, name: str, where: str) -> None:
        """Note that a stage runs."""
        self.rows[name] = Row(where)
        if not self.console.is_terminal:
            self._tell(f"{name} began, {where}")

    def ended(
        self, name: str, status: int, says: str, schedule: Schedule, was_asked: bool = False
    ) -> None:
        """Tell that a stage ended, and how; `was_asked` to stop."""
        took = duration(self.rows.pop(name).seconds)
        count = len(schedule.done)
        if status == 0:
            self._tell(f"{name} done in {took}, {count} of {_all(schedule)}")
        elif was_asked:
            self._tell(f"{name} stopped after {took}", "yellow")
        else:
            self._tell(f"{name} failed after {took}: {says}", "red")

    def stopping(self, again: bool) -> None:
        """Tell that stages were asked to stop."""
        told = "ending what runs" if again else "stopping: trainings keep a checkpoint"
        self._tell(told, "yellow")

    def show(self, schedule: Schedule, workers: Workers) -> None:
        """Draw the table anew; tell once, on a line that stays, what stages wait for."""
        says = {name: workers.says(name) for name in self.rows}
        for name, words in says.items():
            if WAITING in words and words not in self._waits:
                self._waits.add(words)
                self._tell(f"{name}: {words}", "yellow")
        if self.console.is_terminal:
            self._live.update(self._table(schedule, says), refresh=True)

    def _table(self, schedule: Schedule, says: Mapping[str, str]) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        rows = [self._cells(name, row) for name, row in self.rows.items()]
        for header, *column in zip(HEADERS, *rows, strict=True):
            table.add_column(header, no_wrap=True, min_width=max(map(len, (header, *column))))
        table.add_column("says", no_wrap=True, overflow="ellipsis", ratio=1)
        for name, cells in zip(self.rows, rows, strict=True):
            table.add_row(*cells, Text(says[name]))
        return Group(table, Text(self._counts(schedule), style="dim"))

    def _cells(self, name: str, row: Row) -> tuple[str, ...]:
        last = duration(self.last[name]) if name in self.last else ""
        return name, row.where, duration(row.seconds), last

    def _counts(self, schedule: Schedule) -> str:
        told = [f"{len(schedule.done)} of {_all(schedule)} done", f"{len(schedule.waiting)} wait"]
        if schedule.failed:
            told.append(f"{len(schedule.failed)} failed, {len(schedule.left_out)} not to be run")
        return ", ".join(told + self._left(schedule))

    def _left(self, schedule: Schedule) -> list[str]:
        """Say what is left at least, where every stage to come has been timed."""
        known = {name: self.last.get(name) for name in (*schedule.running, *schedule.waiting)}
        if None in known.values():
            return []
        gone = {name: row.seconds for name, row in self.rows.items()}
        left = [max(0.0, (known[name] or 0.0) - gone.get(name, 0.0)) for name in known]
        least = max([*left, sum(left) / self.jobs if self.jobs else 0.0])
        return [f"at least {duration(least)} left"] if left else []

    def _tell(self, line: str, style: str = "") -> None:
        """Write a line that stays."""
        told = Text(f"{time.strftime('%H:%M:%S')}  {line}", style=style)
        self.console.print(told, soft_wrap=True)


def _all(schedule: Schedule) -> int:
    """Count all tasks."""
    parts = (schedule.waiting, schedule.running, schedule.done, schedule.failed, schedule.left_out)
    return sum(len(part) for part in parts)
