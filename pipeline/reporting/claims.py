"""The paper's two claims (section 5.4), answered from our own scores."""

from collections.abc import Iterator, Sequence

from pipeline.evaluation.paired import Difference
from pipeline.reporting.results import Result
from pipeline.tasks import Mode

Pair = tuple[Result, Result]
SIGNIFICANT = 0.05  # p-values below this show a difference


def overlap(one: Result, other: Result) -> bool | None:
    """Say whether two intervals share a value; None if one has no interval."""
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return None
    return one.ci_low <= other.ci_high and other.ci_low <= one.ci_high


def pairs_by_mode(rows: Sequence[Result]) -> list[Pair]:
    """Return every (pretrain, finetune) of one corpus and scheme that the paper has."""
    rows = [row for row in rows if row.is_papers]
    return [
        (one, other)
        for one in rows
        for other in rows
        if (one.corpus, one.scheme) == (other.corpus, other.scheme)
        and (one.mode, other.mode) == ("pretrain", "finetune")
    ]


def pairs_by_scheme(rows: Sequence[Result], mode: Mode) -> list[Pair]:
    """Return every (single-task, multi-task) of one corpus in a mode that the paper has."""
    rows = [row for row in rows if row.is_papers]
    return [
        (one, other)
        for one in rows
        for other in rows
        if (one.corpus, one.mode, other.mode) == (other.corpus, mode, mode)
        and (one.scheme, other.scheme) == ("single-task", "multi-task")
    ]


def is_better(one: Result, other: Result) -> bool:
    """Say whether `one` scores above `other`; an undefined score is above none."""
    return one.score is not None and (other.score is None or one.score > other.score)


def holds_up(single: Result, multi: Result) -> bool:
    """Say whether a multi-task score is no worse, or no worse than the intervals allow."""
    return multi.score is not None and (
        not is_better(single, multi) or bool(overlap(single, multi))
    )


def is_no_worse(single: Result, multi: Result) -> bool:
    """Say whether no test shows a multi-task score to be worse; without a test, if it holds up."""
    if multi.over_single is None:
        return holds_up(single, multi)
    return _shown_by(multi.over_single) != "worse"


def _shown_by(difference: Difference) -> str:
    """Say in a word or two what a test of multi-task against single-task shows."""
    if difference.p_value >= SIGNIFICANT:
        return "no difference is shown"
    return "better" if difference.value > 0 else "worse"


def finetune_claim(rows: Sequence[Result]) -> Iterator[str]:
    """Answer: does finetune beat pretrain in every row?"""
    pairs = pairs_by_mode(rows)
    wins = [pair for pair in pairs if is_better(pair[1], pair[0])]
    losses = [pair for pair in pairs if pair not in wins]
    if not pairs:
        return
    answer = "No" if losses else "Yes"
    counted = f"in {len(wins)} of {len(pairs)}"
    yield f"**Does finetune beat pretrain in every row? {answer}: {counted}.**"
    if losses:
        yield f"Not in: {'; '.join(_row_told(pair) for pair in losses)}."
    if wins:
        yield from _overlaps_of(wins)


def _overlaps_of(wins: Sequence[Pair]) -> Iterator[str]:
    """Say in how many wins the intervals lie apart, and name the others."""
    apart = [pair for pair in wins if overlap(*pair) is False]
    yield f"The intervals lie apart in {len(apart)} of these {len(wins)}."
    for told, state in (("They overlap in", True), ("One of two scores has no interval in", None)):
        named = [_row_told(pair) for pair in wins if overlap(*pair) is state]
        if named:
            yield f"{told}: {'; '.join(named)}."


def multitask_claim(rows: Sequence[Result], mode: Mode) -> Iterator[str]:
    """Answer: does multi-task hold up against single-task in a mode?"""
    pairs = pairs_by_scheme(rows, mode)
    if not pairs:
        return
    held = [pair for pair in pairs if is_no_worse(*pair)]
    answer = "Yes" if len(held) == len(pairs) else "In part" if held else "No"
    yield (
        f"**Does multi-task hold up against single-task in {mode} mode? {answer}: as good or "
        f"better, or not shown to be worse, in {len(held)} of {len(pairs)}.** "
        "Multi-task against single-task:"
    )
    yield ""
    for single, multi in pairs:
        yield f"- {single.corpus}: {_comparison(single, multi)}"
    if any(multi.over_single for _, multi in pairs):
        yield ""
        yield (
            "In brackets: the interval of the difference, both runs scored on the same resamples "
            "of the dev set. p is corrected for the number of corpora (Holm); below "
            f"{SIGNIFICANT:g} it shows a difference."
        )


def _comparison(single: Result, multi: Result) -> str:
    told = f"{_shown(multi)} against {_shown(single)}"
    if single.score is None or multi.score is None:
        return told
    if multi.over_single is not None:
        return f"{told} ({_tested(multi.over_single)})"
    states = {True: "overlap", False: "lie apart", None: "are not both known"}
    difference = f"{multi.score - single.score:+.3f}"
    return f"{told} ({difference}; the intervals {states[overlap(single, multi)]})"


def _tested(difference: Difference) -> str:
    """Say how far apart two scores are on the same resamples, and what that shows."""
    return (
        f"{difference.value:+.3f} [{difference.ci_low:+.3f}, {difference.ci_high:+.3f}], "
        f"p = {difference.p_value:.3f}: {_shown_by(difference)}"
    )


def _row_told(pair: Pair) -> str:
    pretrain, finetune = pair
    shown = f"{_shown(finetune)} against {_shown(pretrain)}"
    return f"{finetune.corpus} {finetune.scheme} ({shown})"


def _shown(row: Result) -> str:
    return "undefined" if row.score is None else f"{row.score:.3f}"
