"""Renders Table 3 as Markdown and JSON, and the summary for `dvc exp show`."""

from collections.abc import Sequence
from operator import attrgetter
from statistics import mean
from typing import Any

from pipeline.core.paper import TABLE_2_MISPRINT
from pipeline.core.tasks import CorpusName
from pipeline.plumbing.params import Cs224nCorpora, Params, SyntheticCorpora
from pipeline.reporting.claims import (
    finetune_claim,
    is_better,
    is_no_worse,
    multitask_claim,
    pairs_by_mode,
    pairs_by_scheme,
)
from pipeline.reporting.markdown import page
from pipeline.reporting.results import Outcome, Result

PAPER_BACKBONE = "bert-base-uncased"
PAPER_EPOCHS = 10
TABLE3_KEYS = (  # keys of each object in table3.json
    *("configuration", "run", "task", "corpus", "scheme", "mode", "learning_rate", "batch_size"),
    *("metric", "score", "ci_low", "ci_high", "paper_score", "best_epoch"),
)


def page_head(params: Params, outcome: Outcome) -> str:
    """Describe the setup behind all scores of a report."""
    devices = sorted({summary.trained_on for summary in outcome.summaries.values()})
    active, corpora = params.active, params.active.corpora
    name = f"{corpora.source} (your own data)"
    if isinstance(corpora, SyntheticCorpora):
        name = "synthetic (generated, not natural text)"
    elif isinstance(corpora, Cs224nCorpora):
        name = f"cs224n (Quora {corpora.quora_split})"
    return (
        f"profile **{params.profile}** · backbone **{active.backbone}** · corpora "
        f"**{name}** · seed **{params.seed}** · device **{', '.join(devices)}** · "
        f"epochs **{active.epochs.pretrain} pretrain, {active.epochs.finetune} finetune**"
    )


def report_page(template: str, params: Params, outcome: Outcome, /, **values: object) -> str:
    """Render a page with the values that all pages of a report use."""
    head = page_head(params, outcome)
    common = {"params": params, "active": params.active, "outcome": outcome, "head": head}
    return page(template, **common, rate=shown_rate, **values)


def table3_page(params: Params, outcome: Outcome) -> str:
    """Render table3.md: the paper's fourteen scores and ours."""
    rows = outcome.results
    return report_page(
        "table3",
        params,
        outcome,
        table=table3(params, rows),
        finetune=finetune_claim(rows),
        multitask={mode: multitask_claim(rows, mode) for mode in ("finetune", "pretrain")},
        multitask_rows=[row for row in rows if params.run(row.run).scheme == "multi-task"],
        troubles=troubles(outcome),
        notes=notes(params, outcome),
    )


def table3(params: Params, rows: Sequence[Result]) -> str:
    """Render the rows of Table 3, in the order of `configurations` in params.yaml."""
    return page(
        "table3_rows",
        rows=rows,
        active=params.active,
        best={which: best_scores(rows, which) for which in ("score", "paper_score")},
        has_seeds=any(row.seeds for row in rows),
        rate=shown_rate,
    ).strip()


def best_scores(rows: Sequence[Result], which: str) -> dict[CorpusName, float]:
    """Return the best score on each corpus, ours (`score`) or the paper's (`paper_score`)."""
    known = [row for row in rows if getattr(row, which) is not None]
    return {row.corpus: getattr(row, which) for row in sorted(known, key=attrgetter(which))}


def shown_rate(rate: float) -> str:
    """Format a learning rate as the paper does, such as 1e-5 or 1.5e-5."""
    mantissa, exponent = f"{rate:.4e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def notes(params: Params, outcome: Outcome) -> list[str]:
    """Return the caveats that apply to this report."""
    rows = outcome.results
    runs = [params.run(row.run) for row in rows]
    words = [word for run in runs for word in (run.pair_encoding, run.idle_heads) if word]
    majorities = {r.corpus: r.majority_class for r in rows if r.majority_class is not None}
    text = page(
        "table3_notes",
        active=params.active,
        paper_backbone=PAPER_BACKBONE,
        paper_epochs=PAPER_EPOCHS,
        misprint=TABLE_2_MISPRINT,
        readings=list(dict.fromkeys(words)),
        has_seeds=any(row.seeds for row in rows),
        majorities=majorities,
    )
    corpora_of: dict[str, list[str]] = {}  # by note, so that each note is listed once
    for corpus, found in outcome.validations.items():
        for note in found.notes:
            corpora_of.setdefault(note, []).append(corpus)
    on_corpora = [
        note if note.lower().startswith(corpora[0]) else f"{', '.join(corpora)}: {note}"
        for note, corpora in corpora_of.items()
    ]
    return [*on_corpora, *text.splitlines()]


def troubles(outcome: Outcome) -> str:
    """List all runs that stopped early and all notes on epochs; return "" if there are none."""
    epochs: dict[tuple[str, str, str], list[int]] = {}
    for run, history in outcome.histories.items():
        for row in history:
            for note in filter(None, row.note.split("; ")):
                epochs.setdefault((run, row.corpus, note), []).append(row.epoch)
    left_out = {
        row.configuration: [f"{n:,} of {split}" for split, n in row.left_out.items() if n]
        for row in outcome.results
        if row.best_epoch
    }
    found = [
        (run, corpus, note, ranges(where), outcome.summaries[run].best_epoch in where)
        for (run, corpus, note), where in epochs.items()
    ]
    return page("troubles", outcome=outcome, left_out=left_out, notes=found).strip()


def ranges(numbers: Sequence[int]) -> str:
    """Format sorted integers as ranges, such as "1-3, 5"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def table3_json(rows: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the content of table3.json, with one object per row.

    If the score is undefined, it is null and there is a `reason`. If the run stopped early, there
    is `stopped`. If it used several seeds, `seeds` has statistics without `undefined` scores.
    """
    objects = []
    for row in rows:
        values = row.model_dump()
        keys = [*TABLE3_KEYS, *["reason"] * (row.score is None), *["stopped"] * row.stopped]
        keys += ["seeds"] * (row.seeds is not None)
        objects.append({key: values[key] for key in keys})
    return objects


def summary(rows: Sequence[Result]) -> dict[str, float | int]:
    """Return a few numbers for `dvc exp show`, with short names for narrow columns.

    Only the paper's rows count. `finetune`, `pretrain` and `multitask` (finetuned) are means of
    accuracies and correlations; a mean is left out if one of its scores is undefined.
    `finetune_wins` counts the rows (of seven) in which finetune beats pretrain. `multitask_holds`
    counts the corpora (of three) on which finetuned multi-task holds up against single-task.
    """
    rows = [row for row in rows if row.is_papers]
    finetuned = [row for row in rows if row.mode == "finetune"]
    groups = {
        "finetune": finetuned,
        "pretrain": [row for row in rows if row.mode == "pretrain"],
        "multitask": [row for row in finetuned if row.scheme == "multi-task"],
    }
    scores = {name: [row.score for row in group] for name, group in groups.items()}
    means = {
        name: round(mean(score for score in found if score is not None), 4)
        for name, found in scores.items()
        if found and None not in found
    }
    return means | {
        "finetune_wins": sum(is_better(pair[1], pair[0]) for pair in pairs_by_mode(rows)),
        "multitask_holds": sum(is_no_worse(*pair) for pair in pairs_by_scheme(rows, "finetune")),
    }
