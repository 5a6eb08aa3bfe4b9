"""Formats a plan: as a one-line summary, and as a table with a row per stage."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from pipeline.launch.plan import Outcome, PlannedStage, Reason
from pipeline.launch.times import Seconds, duration

REASONS = 3  # maximum number of reasons shown per stage
MAY_RUN = (Outcome.RUN, Outcome.DEPENDS)
LONGEST = 24  # maximum number of characters shown of a param's value
OLD_LOCK = (
    "dvc.lock is from before 0.2.0, whose stages depend on rooms of code instead of modules: every "
    "stage runs once (docs/decisions/0009-rooms-as-deps.md)"
)


def summary(stages: Sequence[PlannedStage], last: Seconds) -> str:
    """Say in one line what would run and for how long; add a line if dvc.lock predates 0.2.0."""
    counts = Counter(stage.outcome for stage in stages)
    all_of_them = f"{len(stages)} stage{'s' if len(stages) != 1 else ''}"
    if counts[Outcome.UP_TO_DATE] == len(stages):
        return f"{all_of_them}, all up to date"
    words = {
        Outcome.RUN_CACHE: "from the run cache",
        Outcome.DEPENDS: "depends on them" if counts[Outcome.DEPENDS] == 1 else "depend on them",
    }
    parts = [f"{counts[each]} {words.get(each, each)}" for each in Outcome if counts[each]]
    line = f"{all_of_them}: {', '.join(parts)}{_time(stages, last)}"
    new = {r.name for stage in stages for r in stage.reasons if r.change == "new"}
    return f"{line}\n{OLD_LOCK}" if "pipeline/core" in new else line


def as_table(stages: Iterable[PlannedStage], last: Seconds) -> Table:
    """Return a terminal table of stages: outcome, name, last duration and reasons."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("outcome", "name", "time", "why"):
        table.add_column(column, overflow="fold", no_wrap=column == "outcome")
    table.columns[2].justify = "right"
    before = ""
    for stage in stages:
        seconds, why = last.get(stage.name), _why(stage)
        same = "the same" if why and why == before else why
        taken = "" if seconds is None else duration(seconds)
        table.add_row(*map(Text, (stage.outcome, stage.name, taken, same)))
        before = why
    return table


def _time(stages: Sequence[PlannedStage], last: Seconds) -> str:
    """Format the expected total time and the number of stages that were never timed."""
    sure, more = (
        sum(last.get(stage.name, 0.0) for stage in stages if stage.outcome == outcome)
        for outcome in MAY_RUN
    )
    unknown = sum(stage.outcome in MAY_RUN and stage.name not in last for stage in stages)
    if not sure and not more:
        return "; none of them timed yet" if unknown else ""
    words = f"; about {duration(sure)}" if sure else "; "
    if more:
        words += f"{', ' if sure else ''}at most {duration(sure + more)}"
    return words + (f" and {unknown} that were never timed" if unknown else "")


def _why(stage: PlannedStage) -> str:
    """List the upstream stages that decide a stage's outcome, and the first of its own reasons."""
    makers = [reason.name for reason in stage.reasons if reason.change == "runs before"]
    own = [_reason(reason) for reason in stage.reasons if reason.change != "runs before"]
    depends = [f"on {', '.join(_first(makers))}"] if stage.outcome == Outcome.DEPENDS else []
    return "; ".join([*depends, *_first(own)])


def _first(items: Sequence[str]) -> list[str]:
    """Return the first few items and a count of the rest."""
    more = len(items) - REASONS
    return [*items[:REASONS], *([f"{more} more"] if more > 0 else [])]


def _reason(reason: Reason) -> str:
    if reason.change == "never run":
        return "never run"
    if reason.kind == "param" and reason.change == "changed":
        texts = [
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for value in (reason.old, reason.new)
        ]
        old, new = (f"{t[: LONGEST - 3]}..." if len(t) > LONGEST else t for t in texts)
        return f"{reason.name}: {old} -> {new}"
    kind = f"{reason.kind} " if reason.kind in ("param", "command") else ""
    return f"{kind}{reason.name} {reason.change}"
