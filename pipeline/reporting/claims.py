"""The paper's two claims (section 5.4), answered from our own scores."""

from collections.abc import Iterator, Sequence

from pipeline.reporting.results import Result
from pipeline.tasks import Mode


def overlap(one: Result, other: Result) -> bool | None:
    """Say whether two intervals share a value; None if one has no interval."""
    if None in (one.ci_low, one.ci_high, other.ci_low, other.ci_high):
        return None
    return bool(one.ci_low <= other.ci_high and other.ci_low <= one.ci_high)  # type: ignore[operator]


def pairs_by_mode(rows: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Return (pretrain, finetune) of every corpus and scheme that has both."""
    by_key = {(row.corpus, row.scheme, row.mode): row for row in rows}
    return [
        (row, by_key[row.corpus, row.scheme, "finetune"])
        for row in rows
        if row.mode == "pretrain" and (row.corpus, row.scheme, "finetune") in by_key
    ]


def pairs_by_scheme(rows: Sequence[Result], mode: Mode) -> list[tuple[Result, Result]]:
    """Return (single-task, multi-task) of every corpus that has both in a mode."""
    by_key = {(row.corpus, row.scheme, row.mode): row for row in rows}
    return [
        (row, by_key[row.corpus, "multi-task", mode])
        for row in rows
        if row.scheme == "single-task"
        and row.mode == mode
        and (row.corpus, "multi-task", mode) in by_key
    ]


def is_better(one: Result, other: Result) -> bool:
    """Say whether `one` scores above `other`; an undefined score is above none."""
    return one.score is not None and (other.score is None or one.score > other.score)


def finetune_claim(rows: Sequence[Result]) -> Iterator[str]:
    """Answer: does finetune beat pretrain in every row?"""
    pairs = pairs_by_mode(rows)
    wins = [pair for pair in pairs if is_better(pair[1], pair[0])]
    losses = [pair for pair in pairs if pair not in wins]
    clear = [pair for pair in wins if overlap(*pair) is False]
    if not pairs:
        return
    if losses:
        yield (
            f"**Does finetune beat pretrain in every row? No: in {len(wins)} of {len(pairs)}.** "
            f"Not in: {'; '.join(_pair_told(a, b) for a, b in losses)}."
        )
    else:
        yield f"**Does finetune beat pretrain in every row? Yes: in {len(wins)} of {len(pairs)}.**"
    yield f"The intervals do not overlap in {len(clear)} of these {len(wins)}."


def multitask_claim(rows: Sequence[Result], mode: Mode) -> Iterator[str]:
    """Answer: does multi-task hold up against single-task in a mode?"""
    pairs = pairs_by_scheme(rows, mode)
    if not pairs:
        return
    behind = [pair for pair in pairs if not _holds_up(*pair)]
    answer = "Yes" if not behind else "No" if len(behind) == len(pairs) else "In part"
    yield (
        f"**Does multi-task hold up against single-task in {mode} mode? {answer}: as good or "
        f"better, or within the intervals, in {len(pairs) - len(behind)} of {len(pairs)} corpora.**"
    )
    for single, multi in pairs:
        yield f"- {single.corpus}: {_comparison(single, multi)}"


def _holds_up(single: Result, multi: Result) -> bool:
    return multi.score is not None and (
        not is_better(single, multi) or bool(overlap(single, multi))
    )


def _comparison(single: Result, multi: Result) -> str:
    told = f"{_shown(multi)} against {_shown(single)}"
    if single.score is None or multi.score is None:
        return told
    intervals = "overlap" if overlap(single, multi) else "do not overlap"
    return f"{told} ({multi.score - single.score:+.3f}; the intervals {intervals})"


def _pair_told(pretrain: Result, finetune: Result) -> str:
    return f"{finetune.corpus} {finetune.scheme} ({_shown(finetune)} against {_shown(pretrain)})"


def _shown(row: Result) -> str:
    return "undefined" if row.score is None else f"{row.score:.3f}"
