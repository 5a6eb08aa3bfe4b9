"""What a run took when it was last trained: in no report, being different each time."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline import paths
from pipeline.files import read_json
from pipeline.reporting.markdown import table

MEGABYTE = 1_000_000


def times_section(profile: str, run: str) -> str:
    """Render what training and evaluation took on this machine, or "" where that is not known."""
    stages = (f"train@{run}", f"evaluate@{run}")
    rows = [_row(stage, told) for stage in stages for told in _read(profile, stage)]
    if not rows:
        return ""
    header = ("Stage", "Seconds", "Examples a second", "Peak memory, MB", "Threads", "Resumed")
    shown = table(header, rows, right=header[1:5])
    return f"\n## Time and memory\n\nOf the last time it ran on this machine.\n\n{shown}\n"


def _read(profile: str, stage: str) -> Iterator[Mapping[str, Any]]:
    """Yield the record of a stage if there is one that can be read: it is only a hint."""
    try:
        told = read_json(paths.stage_time(profile, stage))
    except (OSError, ValueError):
        return
    if isinstance(told, dict) and _is_number(told.get("seconds")):
        yield told


def _row(stage: str, told: Mapping[str, Any]) -> list[str]:
    return [
        stage,
        _shown(told["seconds"]),
        _shown(told.get("examples_per_second")),
        _shown(told.get("peak_memory_bytes"), MEGABYTE),
        _shown(told.get("threads")),
        "yes" if told.get("resumed") is True else "no",
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any, unit: int = 1) -> str:
    return f"{value / unit:,.0f}" if _is_number(value) else "–"
