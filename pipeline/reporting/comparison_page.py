"""Renders a comparison of two sides as a page, and all experiments as a table for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.core.tasks import CORPORA
from pipeline.evaluation.paired import holm
from pipeline.reporting.comparison import (
    CODE,
    CONFIDENCE,
    OTHER_DEV_SET,
    RESAMPLES,
    SAME,
    SEED,
    Asked,
    Compared,
    Side,
    compared_row,
    devices,
)
from pipeline.reporting.markdown import page

VERDICTS = {
    "**B is better**, and that is real": "B better",
    "**A is better**, and that is real": "A better",
    "A difference that may be chance": "may be chance",
    "The same predictions, example by example": SAME,
    "Not comparable: the dev sets differ, so scores are of other questions": OTHER_DEV_SET,
    "Not comparable: a score is undefined": "undefined",
}
# maps each column of the experiments table to its key in reports/summary.json
SUMMARY = {
    "finetune": "finetune",
    "pretrain": "pretrain",
    "multitask": "multitask",
    "wins": "finetune_wins",
    "holds": "multitask_holds",
}
NOT_PARAMS = {"Experiment", "rev", "typ", "Created", "parent", "State", "Executor"}
LEGEND = (
    "finetune, pretrain, multitask: mean dev scores. wins: rows of Table 3 in which finetune beats "
    "pretrain. holds: corpora on which multi-task holds up."
)


def comparison_page(first: Side, second: Side, asked: Sequence[Asked], names: Sequence[str]) -> str:
    """Compare rows of two sides; to compare two runs of one side, pass that side twice.

    Raises:
        ReportError, RevisionError: a side's files are missing or do not match its dvc.lock.
    """
    compared = [compared_row(first, second, *each) for each in asked]
    p_values = iter(holm([row.difference.p_value for row in compared if row.difference]))
    corrected = [next(p_values) if row.difference else None for row in compared]
    rows = [(row, p, _verdict(row, p)) for row, p in zip(compared, corrected, strict=True)]
    if first is second:
        runs = list(dict.fromkeys(run for each in asked for run in each[2:]))
        sides: dict[str, Mapping[str, Any]] = {run: _params_of_run(first, run) for run in runs}
    else:
        sides = {"A": first.params, "B": second.params}
    params = [
        (key, [str(side[key]) if key in side else "–" for side in sides.values()])
        for key in dict.fromkeys(key for side in sides.values() for key in side)
    ]
    files = sorted(first.made_of.keys() | second.made_of.keys())
    changed = [path for path in files if first.made_of.get(path) != second.made_of.get(path)]
    code = [path for path in changed if path.startswith(CODE)]
    inputs = [path for path in changed if path not in code]
    return page(
        "compare",
        first=first,
        second=second,
        names=names,
        of_runs=first is second,
        devices=devices,
        verdicts=VERDICTS,
        kinds={kind: [r.name for r, _, v in rows if v == kind] for kind in VERDICTS.values()},
        rows=rows,
        metrics={name: corpus.task.metric for name, corpus in CORPORA.items()},
        resamples=RESAMPLES,
        seed=SEED,
        confidence=CONFIDENCE,
        num_tested=sum(p is not None for p in corrected),
        columns=list(sides),
        params=params if first is second else [(k, v) for k, v in params if v[0] != v[1]],
        files={} if first is second else {"Code": code, "Inputs": inputs},
    )


def _verdict(row: Compared, p_value: float | None) -> str:
    if row.note:
        return row.note
    if row.difference is None or p_value is None:
        return "undefined"
    if p_value >= 1 - CONFIDENCE:
        return "may be chance"
    return "B better" if row.difference.value > 0 else "A better"


def _params_of_run(side: Side, run: str) -> dict[str, Any]:
    own = f"runs.{run}."
    return {k.removeprefix(own): value for k, value in side.params.items() if k.startswith(own)}


def experiments_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Build a table for a terminal from the output of `dvc.api.exp_show`.

    Each number of the summary has its own column. The last column lists all params that differ from
    HEAD, so changed params do not add columns.
    """
    base = next((row for row in rows if row["rev"] != "workspace"), rows[0])
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("experiment", no_wrap=True)
    for name in SUMMARY:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("params changed", overflow="fold")
    for row in rows:
        found = [row.get(key) for key in SUMMARY.values()]
        numbers = [f"{each:.4g}" if isinstance(each, int | float) else "-" for each in found]
        state = f" ({row['State'].lower()})" if row["State"] else ""
        # indent an experiment below its commit
        name = f"  {row['Experiment']}{state}" if row["Experiment"] else str(row["rev"])
        table.add_row(*map(Text, (name, *numbers, "\n".join(_changes(row, base)))))
    return table


def _changes(row: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[str]:
    for key in {**base, **row}:
        # a key that contains a slash is a file path, and its value is a hash
        is_param = key not in NOT_PARAMS and key not in SUMMARY.values() and "/" not in key
        if is_param and row.get(key) != base.get(key):
            yield f"{key} {_value(base.get(key))} -> {_value(row.get(key))}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    # DVC converts integers to floats
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
