"""Checks the paper's two claims (section 5.4) against our own scores."""

from collections.abc import Sequence
from itertools import permutations

from pipeline.core.records import Difference
from pipeline.core.tasks import Mode
from pipeline.reporting.markdown import page
from pipeline.reporting.results import Result

Pair = tuple[Result, Result]
SIGNIFICANT = 0.05  # significance level: a p-value below it shows a difference


def overlap(one: Result, other: Result) -> bool | None:
    """Return whether two confidence intervals overlap; None if a score has no interval."""
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return None
    return one.ci_low <= other.ci_high and other.ci_low <= one.ci_high


def pairs_by_mode(rows: Sequence[Result]) -> list[Pair]:
    """Pair the paper's rows with the same corpus and scheme as (pretrain, finetune)."""
    return [
        (one, other)
        for one, other in permutations((row for row in rows if row.is_papers), 2)
        if (one.corpus, one.scheme) == (other.corpus, other.scheme) and other.mode == "finetune"
    ]


def pairs_by_scheme(rows: Sequence[Result], mode: Mode) -> list[Pair]:
    """Pair the paper's rows with the same corpus in a mode as (single-task, multi-task)."""
    return [
        (one, other)
        for one, other in permutations((row for row in rows if row.is_papers), 2)
        if one.corpus == other.corpus
        and one.mode == other.mode == mode
        and other.scheme == "multi-task"
    ]


def is_better(one: Result, other: Result) -> bool:
    """Return whether `one` scores higher; an undefined score is lower than any other."""
    return one.score is not None and (other.score is None or one.score > other.score)


def holds_up(single: Result, multi: Result) -> bool:
    """Return whether the multi-task score is no worse or the intervals overlap."""
    return multi.score is not None and (
        not is_better(single, multi) or bool(overlap(single, multi))
    )


def is_no_worse(single: Result, multi: Result) -> bool:
    """Return False if a test shows multi-task to be worse; without a test, return `holds_up`."""
    if multi.over_single is None:
        return holds_up(single, multi)
    return _shown_by(multi.over_single) != "worse"


def _shown_by(difference: Difference) -> str:
    """Describe what a test of multi-task against single-task shows."""
    if difference.p_value >= SIGNIFICANT:
        return "no significant difference"
    return "better" if difference.value > 0 else "worse"


def finetune_claim(rows: Sequence[Result]) -> str:
    """Describe whether finetune beats pretrain in every row."""
    pairs = pairs_by_mode(rows)
    wins = [pair for pair in pairs if is_better(pair[1], pair[0])]
    return page(
        "finetune_claim",
        pairs=pairs,
        wins=wins,
        others=[pair for pair in pairs if pair not in wins],
        wins_by_overlap={
            kind: [pair for pair in wins if overlap(*pair) is kind] for kind in (True, False, None)
        },
    ).strip()


def multitask_claim(rows: Sequence[Result], mode: Mode) -> str:
    """Describe whether multi-task holds up against single-task in a mode."""
    pairs = pairs_by_scheme(rows, mode)
    return page(
        "multitask_claim",
        mode=mode,
        pairs=pairs,
        held=sum(is_no_worse(*pair) for pair in pairs),
        has_tests=any(multi.over_single for _, multi in pairs),
        significant=SIGNIFICANT,
        shown_by=_shown_by,
        overlap=overlap,
    ).strip()
