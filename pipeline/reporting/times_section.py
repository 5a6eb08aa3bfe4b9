"""What a run took when it was last trained: in no report, being different each time."""

from pipeline import paths
from pipeline.reporting.markdown import table
from pipeline.times import StageTime, read_time

MEGABYTE = 1_000_000


def times_section(profile: str, run: str) -> str:
    """Render what training and evaluation took on this machine, or "" where that is not known."""
    stages = (f"train@{run}", f"evaluate@{run}")
    found = (read_time(paths.stage_time(profile, stage)) for stage in stages)
    rows = [_row(time) for time in found if time]
    if not rows:
        return ""
    header = ("Stage", "Seconds", "Examples a second", "Peak memory, MB", "Threads", "Resumed")
    shown = table(header, rows, right=header[1:5])
    return f"\n## Time and memory\n\nOf the last time it ran on this machine.\n\n{shown}\n"


def _row(time: StageTime) -> list[str]:
    return [
        time.stage,
        _shown(time.seconds),
        _shown(time.examples_per_second),
        _shown(time.peak_memory_bytes, MEGABYTE),
        _shown(time.threads),
        "yes" if time.resumed else "no",
    ]


def _shown(value: float | None, unit: int = 1) -> str:
    return "–" if value is None else f"{value / unit:,.0f}"
