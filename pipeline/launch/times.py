"""What the stages took when they last ran, together; and durations in words."""

from collections.abc import Mapping, Sequence

from pipeline.core import paths
from pipeline.plumbing.stage_times import StageTime, read_time
from pipeline.reporting.markdown import table

HEADER = ("stage", "time", "peak memory", "examples/s", "steps", "device", "")
RIGHT = ("time", "peak memory", "examples/s", "steps")


def load_times(profile: str) -> dict[str, StageTime]:
    """Return what the stages of a profile took, by name, in the order in which they last ran.

    A record that cannot be read is left out.
    """
    found = sorted(paths.times_dir(profile).glob("*.json"), key=lambda p: (p.stat().st_mtime_ns, p))
    return {path.stem: time for path in found if (time := read_time(path))}


def last_seconds(times: Mapping[str, StageTime]) -> dict[str, float]:
    """Return what each stage is likely to take again, where that is known."""
    known = {name: time.whole_seconds for name, time in times.items()}
    return {name: seconds for name, seconds in known.items() if seconds is not None}


def duration(seconds: float) -> str:
    """Say how long something takes, in two units at most."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_of_hour:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def times_table(times: Sequence[StageTime]) -> str:
    """Lay out what stages took, and all of them together."""
    total = duration(sum(time.seconds for time in times))
    return table(HEADER, [*map(_row, times), ("all", total, *[""] * 5)], RIGHT)


def _row(time: StageTime) -> tuple[str, ...]:
    memory, rate = time.peak_memory_bytes, time.examples_per_second
    return (
        time.stage,
        duration(time.seconds),
        "" if memory is None else f"{memory / 1e6:.0f} MB",
        "" if rate is None else f"{rate:.0f}",
        "" if time.steps is None else str(time.steps),
        "" if time.device is None else f"{time.device}, {time.threads} threads",
        "resumed" if time.resumed else "",
    )
