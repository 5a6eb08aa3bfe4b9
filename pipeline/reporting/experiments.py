"""All experiments in as many columns as a terminal has: scores, and what each changed."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# the keys of reports/summary.json, in the order of columns
SUMMARY = ("finetune", "pretrain", "multitask", "finetune_wins", "multitask_holds")
HEADS = ("finetune", "pretrain", "multitask", "wins", "holds")
NOT_PARAMS = {"Experiment", "rev", "typ", "Created", "parent", "State", "Executor", *SUMMARY}

LEGEND = (
    "finetune, pretrain, multitask: mean dev scores. wins: rows of Table 3 in which finetune beats "
    "pretrain. holds: corpora on which multi-task holds up."
)


def experiments_table(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Render what `dvc.api.exp_show` returned, in `width` characters.

    A column for each number of the summary; what differs from HEAD's params is told in words
    beside it, which takes no more room however many params were changed.
    """
    base = next((row for row in rows if row["rev"] != "workspace"), rows[0])
    names = [_name(row) for row in rows]
    left = max(len("experiment"), *(len(name) for name in names))
    columns = [max(len(head), 6) for head in HEADS]
    start = left + sum(columns) + 2 * len(columns) + 2
    room = max(24, width - start)
    lines = [_line("experiment", HEADS, "params changed", left, columns)]
    for row, name in zip(rows, names, strict=True):
        changes = list(_changes(row, base))
        told = [line for change in changes for line in _wrapped(change, room)] or [""]
        cells = [_number(row.get(key)) for key in SUMMARY]
        lines.append(_line(name, cells, told[0], left, columns))
        lines += [" " * start + more for more in told[1:]]
    legend = textwrap.fill(LEGEND, max(40, width))
    return "\n".join(lines) + "\n\n" + legend


def _wrapped(change: str, room: int) -> list[str]:
    return textwrap.wrap(
        change, room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _line(name: str, cells: Sequence[str], told: str, left: int, columns: Sequence[int]) -> str:
    padded = [cell.rjust(size) for cell, size in zip(cells, columns, strict=True)]
    return "  ".join([name.ljust(left), *padded, told]).rstrip()


def _name(row: Mapping[str, Any]) -> str:
    """Return an experiment's name, indented below the commit it stands on."""
    if row["Experiment"] is None:
        return str(row["rev"])
    state = f" ({row['State'].lower()})" if row["State"] else ""
    return f"  {row['Experiment']}{state}"


def _changes(row: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[str]:
    for key in {**base, **row}:
        # whatever has a path for its name is a file and its hash
        if key not in NOT_PARAMS and "/" not in key and row.get(key) != base.get(key):
            yield f"{key} {_value(base.get(key))} -> {_value(row.get(key))}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    # DVC makes whole numbers floats
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
