"""A plan in words and numbers: one line of all, and some for each stage."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from pipeline.launch.plan import Outcome, PlannedStage, Reason
from pipeline.launch.times import duration

REASONS = 3  # shown of each stage
LONGEST_VALUE = 24  # characters of a param
OLD_LOCK = (
    "dvc.lock is from before 0.2.0, whose stages depend on rooms of code instead of modules: every "
    "stage runs once (docs/decisions/0009-rooms-as-deps.md)"
)


def summary(stages: Sequence[PlannedStage], last: Mapping[str, float]) -> str:
    """Say in a line what would happen and how long it would take; more only after an update.

    Args:
        stages: the plan.
        last: seconds of each stage's last run, where they are known.
    """
    counts = {outcome: len(_with(stages, outcome)) for outcome in Outcome}
    all_of_them = f"{len(stages)} stage{'s' if len(stages) != 1 else ''}"
    if counts[Outcome.UP_TO_DATE] == len(stages):
        return f"{all_of_them}, all up to date"
    told = [f"{count} {_counted(outcome, count)}" for outcome, count in counts.items() if count]
    line = f"{all_of_them}: {', '.join(told)}{_time_told(stages, last)}"
    return f"{line}\n{OLD_LOCK}" if any(map(_is_from_before_rooms, stages)) else line


def _is_from_before_rooms(stage: PlannedStage) -> bool:
    """Say whether dvc.lock has a stage without its rooms."""
    new = {reason.name for reason in stage.reasons if reason.change == "new"}
    return "pipeline/core" in new


def as_table(stages: Iterable[PlannedStage], last: Mapping[str, float]) -> Table:
    """Return a table of stages for a terminal: what happens, the last duration and why."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("outcome", "name", "time", "why"):
        justify: Literal["left", "right"] = "right" if column == "time" else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column == "outcome")
    before = ""
    for stage in stages:
        seconds, why = last.get(stage.name), _why(stage)
        same = "the same" if why and why == before else why
        table.add_row(*map(Text, (stage.outcome, stage.name, _known(seconds), same)))
        before = why
    return table


def _known(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def as_json(stages: Sequence[PlannedStage], last: Mapping[str, float]) -> str:
    """Return the whole plan as JSON."""
    told = {
        "stages": [_as_object(stage, last) for stage in stages],
        "counts": {str(outcome): len(_with(stages, outcome)) for outcome in Outcome},
        "seconds": {
            str(outcome): seconds_of(_with(stages, outcome), last)
            for outcome in (Outcome.RUN, Outcome.DEPENDS)
        },
        "never_timed": _never_timed(stages, last),
    }
    return json.dumps(told, indent=2)


def _as_object(stage: PlannedStage, last: Mapping[str, float]) -> dict[str, Any]:
    known = {"after": sorted(stage.after), "last_seconds": last.get(stage.name)}
    return asdict(stage) | known


def seconds_of(stages: Iterable[PlannedStage], last: Mapping[str, float]) -> float:
    """Add up what stages took last time, those left out that have never been timed."""
    return sum(last.get(stage.name, 0.0) for stage in stages)


def _with(stages: Iterable[PlannedStage], outcome: Outcome) -> list[PlannedStage]:
    return [stage for stage in stages if stage.outcome == outcome]


def _never_timed(stages: Iterable[PlannedStage], last: Mapping[str, float]) -> list[str]:
    """Name the stages that may run and have never been timed."""
    may_run = (Outcome.RUN, Outcome.DEPENDS)
    return [s.name for s in stages if s.outcome in may_run and s.name not in last]


def _counted(outcome: Outcome, count: int) -> str:
    if outcome == Outcome.RUN_CACHE:
        return "from the run cache"
    if outcome == Outcome.DEPENDS:
        return "depends on them" if count == 1 else "depend on them"
    return str(outcome)


def _time_told(stages: Sequence[PlannedStage], last: Mapping[str, float]) -> str:
    """Say how long it would take, and how much of that is not known."""
    sure = seconds_of(_with(stages, Outcome.RUN), last)
    more = seconds_of(_with(stages, Outcome.DEPENDS), last)
    unknown = len(_never_timed(stages, last))
    if not sure and not more:
        return "; none of them timed yet" if unknown else ""
    told = f"; about {duration(sure)}" if sure else "; "
    if more:
        told += f"{', ' if sure else ''}at most {duration(sure + more)}"
    return told + (f" and {unknown} that were never timed" if unknown else "")


def _why(stage: PlannedStage) -> str:
    """Give what a stage depends on, and the first of the reasons it has of its own."""
    makers = [reason.name for reason in stage.reasons if reason.change == "runs before"]
    own = [_told(reason) for reason in stage.reasons if reason.change != "runs before"]
    depends = [f"on {_first(makers, ', ', ' and ')}"] if stage.outcome == Outcome.DEPENDS else []
    return "; ".join([*depends, _first(own, "; ", "; ")] if own else depends)


def _first(items: Sequence[str], between: str, last: str) -> str:
    """Join the first few, and count the rest."""
    more = len(items) - REASONS
    return between.join(items[:REASONS]) + (f"{last}{more} more" if more > 0 else "")


def _told(reason: Reason) -> str:
    if reason.change == "never run":
        return "never run"
    if reason.kind == "param" and reason.change == "changed":
        return f"{reason.name}: {_value(reason.old)} -> {_value(reason.new)}"
    kind = {"param": "param ", "command": "command "}.get(reason.kind, "")
    return f"{kind}{reason.name} {reason.change}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
