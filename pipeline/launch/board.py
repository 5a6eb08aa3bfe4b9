"""Shows where each stage runs: as a live table on a terminal, else as a line per start and end."""

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
    """The state of a launch: which stages are waiting, running, done, failed or left out."""

    waiting: set[str]
    running: dict[str, tuple[str, float]] = field(default_factory=dict)  # place and start time
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # stage -> reason
    left_out: list[str] = field(default_factory=list)  # because a stage that they need failed


def since(start: float) -> str:
    """Format the time that has passed since `start`, a reading of `time.monotonic`."""
    return duration(time.monotonic() - start)


class QuietConsole(Console):
    """A console that stops printing on a broken pipe; rich's own would exit the program."""

    def on_broken_pipe(self) -> None:
        """Stop printing."""
        self.quiet = True


class Board:
    """Displays the state of a launch and does not affect it."""

    def __init__(self, console: Console, last: Seconds) -> None:
        """Prepare to display a launch; `last` holds the durations of the stages' last runs."""
        self.console = console
        self.last = last
        self.live = Live(console=self.console, transient=True, auto_refresh=False)
        self._waits: set[str] = set()  # lines about locks that were already printed

    def say(self, line: str, style: str = "") -> None:
        """Print a timestamped line that stays on the screen."""
        text = Text(f"{time.strftime('%H:%M:%S')}  {line}", style=style)
        self.console.print(text, soft_wrap=True)

    def began(self, name: str, where: str) -> None:
        """Print that a stage started, unless the live table shows it."""
        if not self.console.is_terminal:
            self.say(f"{name} began, {where}")

    def show(self, progress: Progress) -> None:
        """Redraw the live table; print each lock that a stage waits for, but only once."""
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
