"""Loads and formats how long each stage took when it last ran."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from pipeline.core import paths
from pipeline.plumbing.stage_times import StageTime, read_time

Seconds = Mapping[str, float]  # duration of the last run, for each stage for which it is known


def load_times(profile: str) -> dict[str, StageTime]:
    """Return the times of a profile's stages by name, in the order in which they last ran.

    Records that cannot be read are left out.
    """
    found = sorted((paths.TIMES / profile).glob("*.json"), key=lambda p: (p.stat().st_mtime_ns, p))
    return {path.stem: time for path in found if (time := read_time(path))}


def last_seconds(times: Mapping[str, StageTime]) -> Seconds:
    """Return the expected duration of each stage for which it is known."""
    known = {name: time.whole_seconds for name, time in times.items()}
    return {name: seconds for name, seconds in known.items() if seconds is not None}


def duration(seconds: float) -> str:
    """Format a duration in at most two units."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_of_hour:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def times_table(times: Sequence[StageTime]) -> Table:
    """Return a terminal table of the times of stages, with their total."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("stage")
    for name in ("time", "peak memory", "examples/s", "steps"):
        table.add_column(name, justify="right")
    table.add_column("device")
    for time in times:
        memory, rate = time.peak_memory_bytes, time.examples_per_second
        table.add_row(
            time.stage,
            duration(time.seconds),
            "" if memory is None else f"{memory / 1e6:.0f} MB",
            "" if rate is None else f"{rate:.0f}",
            "" if time.steps is None else str(time.steps),
            "" if time.device is None else f"{time.device}, {time.threads} threads",
            "resumed" if time.resumed else "",
        )
    table.add_row("all", duration(sum(time.seconds for time in times)))
    return table
