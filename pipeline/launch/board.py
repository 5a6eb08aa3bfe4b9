"""Shows which stages run where: a live table on a terminal, otherwise a line per start and end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.core import paths
from pipeline.launch.job import WAITING, last_words
from pipeline.launch.times import Seconds, duration

HEADERS = ("stage", "where", "time", "last")


@dataclass
class Progress:
    """The state of a launch: each stage is in one of these."""

    waiting: set[str]
    running: dict[str, tuple[str, float]] = field(default_factory=dict)  # where and since when
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # with the reason
    left_out: list[str] = field(default_factory=list)  # because their inputs could not be made


def since(start: float) -> str:
    """Say how long ago a moment of the monotonic clock was."""
    return duration(time.monotonic() - start)


class QuietConsole(Console):
    """A console that goes quiet on a broken pipe, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Go quiet."""
        self.quiet = True


class Board:
    """Shows the state of a launch; nothing depends on it."""

    def __init__(self, console: Console, last: Seconds) -> None:
        """Prepare to show a launch."""
        self.console = console
        self.last = last
        self.live = Live(console=self.console, transient=True, auto_refresh=False)
        self._waits: set[str] = set()  # the locks that were reported

    def say(self, line: str, style: str = "") -> None:
        """Print a line that stays."""
        text = Text(f"{time.strftime('%H:%M:%S')}  {line}", style=style)
        self.console.print(text, soft_wrap=True)

    def began(self, name: str, where: str) -> None:
        """Print that a stage began, unless the table shows it."""
        if not self.console.is_terminal:
            self.say(f"{name} began, {where}")

    def show(self, progress: Progress) -> None:
        """Draw the table again; print each lock that stages wait for once."""
        says = {name: last_words(paths.stage_log(name)) for name in progress.running}
        for name, words in says.items():
            if WAITING in words and words not in self._waits:
                self._waits.add(words)
                self.say(f"{name}: {words}", "yellow")
        if self.console.is_terminal:
            self.live.update(self._table(progress, says), refresh=True)

    def _table(self, progress: Progress, says: Mapping[str, str]) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        rows = [
            (name, where, since(start), duration(self.last[name]) if name in self.last else "")
            for name, (where, start) in progress.running.items()
        ]
        for header, *column in zip(HEADERS, *rows, strict=True):
            table.add_column(header, no_wrap=True, min_width=max(map(len, (header, *column))))
        table.add_column("says", no_wrap=True, overflow="ellipsis", ratio=1)
        for cells in rows:
            table.add_row(*cells, Text(says[cells[0]]))
        counts = {"done": progress.done, "wait": progress.waiting, "failed": progress.failed}
        counts["not to be run"] = progress.left_out
        summary = ", ".join(f"{len(names)} {state}" for state, names in counts.items() if names)
        return Group(table, Text(summary, style="dim"))
