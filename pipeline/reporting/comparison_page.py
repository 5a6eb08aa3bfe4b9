"""Two sides as a page: which differences are real, and what may have made them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.evaluation.metrics import Score
from pipeline.evaluation.paired import Difference, holm
from pipeline.reporting.comparison import (
    CONFIDENCE,
    OTHER_DEV_SET,
    RESAMPLES,
    SAME,
    SEED,
    Compared,
)
from pipeline.reporting.markdown import table
from pipeline.reporting.sides import Side, devices
from pipeline.tasks import CORPORA

MAX_NAMED = 8  # files in a sentence


def comparison_page(
    first: Side, second: Side, rows: Sequence[Compared], names: tuple[str, str]
) -> str:
    """Render the whole page; `names` are what A and B are called."""
    corrected = holm([row.difference.p_value for row in rows if row.difference])
    p_values = iter(corrected)
    shown = [(row, next(p_values) if row.difference else None) for row in rows]
    between_runs = first is second
    sections = [
        f"# {names[0]} (A) and {names[1]} (B), compared",
        "\n".join(_heads(first, second, names)),
        *_synthetic_warning(first, second),
        "## Which differences are real",
        "\n".join(_verdicts(shown)),
        _table(shown, between_runs),
        _how(rows),
        "## What differs between the two" if not between_runs else "## The runs' params",
        *(_params_of_runs(first, rows) if between_runs else _what_differs(first, second)),
        "## Read with care",
        "\n".join(f"- {caveat}" for caveat in _caveats(rows)),
    ]
    return "\n\n".join(sections) + "\n"


def _heads(first: Side, second: Side, names: tuple[str, str]) -> Iterator[str]:
    if first is second:
        yield f"Both are runs of the {first.name}: {_head(first)}"
        return
    for letter, side, name in zip("AB", (first, second), names, strict=True):
        yield f"- {letter}: **{name}** · {_head(side)}"


def _head(side: Side) -> str:
    return (
        f"profile {side.profile} · backbone {side.params['(profile) backbone']} · corpora "
        f"{side.params['(profile) corpora.source']} · seed {side.params['seed']} · "
        f"device {', '.join(devices(side))}"
    )


def _synthetic_warning(first: Side, second: Side) -> Iterator[str]:
    sources = {side.params["(profile) corpora.source"] for side in (first, second)}
    if "synthetic" in sources:
        yield (
            "> **Generated corpora.** A difference that is real here is real on generated text; "
            "it need not be on natural text."
        )


def _verdicts(rows: Sequence[tuple[Compared, float | None]]) -> Iterator[str]:
    """Yield one line for each kind of answer that there is."""
    kinds: dict[str, list[str]] = {}
    for row, p_value in rows:
        kinds.setdefault(_verdict(row, p_value), []).append(row.asked.name)
    told = {
        "B better": "**B is better**, and that is real",
        "A better": "**A is better**, and that is real",
        "may be chance": "A difference that may be chance",
        SAME: "The same predictions, example by example",
        OTHER_DEV_SET: "Not comparable: the dev sets differ, so scores are of other questions",
        "undefined": "Not comparable: a score is undefined",
    }
    for kind, sentence in told.items():
        if names := kinds.get(kind):
            named = "" if kind == SAME else f" ({', '.join(names)})"
            yield f"- {sentence}: {len(names)} of {len(rows)}{named}."


def _verdict(row: Compared, p_value: float | None) -> str:
    if row.note:
        return row.note
    if row.difference is None or p_value is None:
        return "undefined"
    if p_value >= 1 - CONFIDENCE:
        return "may be chance"
    return "B better" if row.difference.value > 0 else "A better"


def _table(rows: Sequence[tuple[Compared, float | None]], between_runs: bool) -> str:
    first = "Corpus" if between_runs else "Configuration"
    header = (first, "Metric", "Dev", "A", "B", "B − A [95 %]", "p (Holm)", "Verdict")
    lines = [
        [
            row.asked.name,
            CORPORA[row.asked.corpus].task.metric,
            f"{row.num_examples:,}",
            _shown(row.first),
            _shown(row.second),
            _shown_difference(row.difference),
            "–" if p_value is None else _shown_p(p_value),
            _verdict(row, p_value),
        ]
        for row, p_value in rows
    ]
    return table(header, lines, right=("Dev", "A", "B", "p (Holm)"))


def _shown(score: Score) -> str:
    return "undefined" if score.value is None else f"{score.value:.3f}"


def _shown_difference(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    low, high = difference.ci_low, difference.ci_high
    return f"{difference.value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _shown_p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def _how(rows: Sequence[Compared]) -> str:
    tested = sum(row.difference is not None for row in rows)
    return (
        f"Paired bootstrap: {RESAMPLES:,} resamples of the dev examples, both sides scored on "
        f"each, seed {SEED}. The interval holds {CONFIDENCE:.0%} of the resampled differences, by "
        "itself. p is how often chance alone would give a difference as large, corrected by "
        f"Holm's method for the {tested} that were tested; real means p below "
        f"{1 - CONFIDENCE:.2f} after that. An interval that leaves out 0 is not enough where much "
        "is tested."
    )


def _what_differs(first: Side, second: Side) -> Iterator[str]:
    keys = [key for key in {**first.params, **second.params} if _differs(key, first, second)]
    if keys:
        lines = [[key, _value(first.params, key), _value(second.params, key)] for key in keys]
        yield table(("Param", "A", "B"), lines)
    else:
        yield "No param."
    paths = sorted(first.made_of.keys() | second.made_of.keys())
    changed = [path for path in paths if first.made_of.get(path) != second.made_of.get(path)]
    for told, is_kind in (("Code", True), ("Inputs", False)):
        named = [path for path in changed if path.endswith(".py") == is_kind]
        yield f"{told}: {_listed(named) if named else 'the same'}."


def _differs(key: str, first: Side, second: Side) -> bool:
    return _value(first.params, key) != _value(second.params, key)


def _value(params: Mapping[str, Any], key: str) -> str:
    return str(params[key]) if key in params else "–"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _params_of_runs(side: Side, rows: Sequence[Compared]) -> Iterator[str]:
    """Yield a table of every run's params, a column for each run."""
    runs = list(dict.fromkeys(run for row in rows for run in (row.asked.first, row.asked.second)))
    told = {
        run: {
            key.removeprefix(f"runs.{run}."): str(value)
            for key, value in side.params.items()
            if key.startswith(f"runs.{run}.")
        }
        for run in runs
    }
    keys = list(dict.fromkeys(key for values in told.values() for key in values))
    yield table(("Param", *runs), [[key, *(told[r].get(key, "–") for r in runs)] for key in keys])


def _caveats(rows: Sequence[Compared]) -> Iterator[str]:
    yield (
        "The dev sets also chose the epoch that each run keeps, so both sides are a little "
        "flattered, the one with more epochs to choose from more."
    )
    yield (
        "Only the draw of dev examples is tested. Another seed of heads, order and dropout moves "
        "scores too; one run of each side cannot tell by how much."
    )
    yield (
        "To look once more after each change finds differences by chance; Holm's method counts "
        "one page."
    )
    for row in rows:
        for letter, score in (("A", row.first), ("B", row.second)):
            if score.value is None:
                yield f"{row.asked.name}, {letter}: {score.reason}."
