"""Table 3 as Markdown and JSON, and the handful of numbers for `dvc exp show`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from pipeline.paper import TABLE_2_MISPRINT
from pipeline.params import Cs224nCorpora, Params, SyntheticCorpora
from pipeline.reporting.claims import (
    finetune_claim,
    is_better,
    is_no_worse,
    multitask_claim,
    pairs_by_mode,
    pairs_by_scheme,
)
from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome, Result, best_scores
from pipeline.reporting.troubles import troubles
from pipeline.tasks import CORPORA

PAPER_BACKBONE = "bert-base-uncased"
PAPER_EPOCHS = 10
APART = "‡"
HEADER = ("Task", "Corpus", "Scheme", "Mode", "Rate", "Batch", "Metric", "Ours", "Paper", "Δ")
SEEDS_AT = HEADER.index("Ours") + 1  # where the column stands that only a sweep brings
SEEDS_NOTE = (
    "Seeds: the mean ± the standard deviation over the trainings of a [sweep](sweep.md), that of "
    "Ours included, with their number, and the best of them. The paper reports one score for each "
    "row, the best it had, and neither a number of seeds nor a spread: beside it stands Ours, of "
    "one seed, and not the best of several."
)
KEYS = (
    "configuration",
    "run",
    "task",
    "corpus",
    "scheme",
    "mode",
    "learning_rate",
    "batch_size",
    "metric",
    "score",
    "ci_low",
    "ci_high",
    "paper_score",
    "best_epoch",
)


def page_head(params: Params, outcome: Outcome) -> str:
    """Name what every score of a report stands on."""
    devices = sorted({summary.device for summary in outcome.summaries.values()})
    active = params.active
    return (
        f"profile **{params.profile}** · backbone **{active.backbone}** · corpora "
        f"**{corpora_name(params)}** · seed **{params.seed}** · device **{', '.join(devices)}** · "
        f"epochs **{active.epochs.pretrain} pretrain, {active.epochs.finetune} finetune**"
    )


def corpora_name(params: Params) -> str:
    """Name the source of the corpora."""
    corpora = params.active.corpora
    if isinstance(corpora, SyntheticCorpora):
        return "synthetic (generated, not natural text)"
    if isinstance(corpora, Cs224nCorpora):
        return f"cs224n (Quora {corpora.quora_split})"
    return f"{corpora.source} (your own data)"


def table3_page(params: Params, outcome: Outcome) -> str:
    """Render table3.md: the paper's fourteen scores beside ours."""
    multitask = table_of_best_epochs(params, outcome)
    sections = [
        "# Table 3: the paper's scores beside ours",
        page_head(params, outcome),
        *corpora_warning(params),
        table3(params, outcome.results),
        *_mark_told(params),
        f"Scores are on the dev sets, with {params.evaluation.confidence:.0%} bootstrap intervals "
        f"({params.evaluation.bootstrap_resamples:,} resamples of the dev set). Bold: the best "
        "score of each corpus, as in the paper.",
        "![Every row, ours with intervals, and the paper's](scores.svg)",
        "## The paper's claims",
        " ".join(finetune_claim(outcome.results)),
        "\n".join(multitask_claim(outcome.results, "finetune")),
        "\n".join(multitask_claim(outcome.results, "pretrain")),
        "More on them: [Section 6 of the paper, point by point](analysis.md).",
        *(["## Multi-task: the best epoch of each task", multitask] if multitask else []),
        troubles(outcome),
        "## Notes",
        "\n".join(f"{i}. {note}" for i, note in enumerate(notes(params, outcome), start=1)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def corpora_warning(params: Params) -> Iterator[str]:
    """Yield what must be read before scores on other corpora than the paper's."""
    if params.active.is_synthetic:
        yield (
            "> **These scores are on generated corpora.** They show that the pipeline works and "
            "how its parts compare; they cannot be compared with the paper's, which stand beside "
            "them for reference only. For real scores run the `laptop` or `paper` profile."
        )
    elif not params.active.is_papers:
        yield (
            "> **These scores are on your own data.** They cannot be compared with the paper's, "
            "which stand beside them for reference only. A corpus without files is left out, with "
            "the runs that have no other: see [Data](data.md)."
        )


def table3(params: Params, rows: Sequence[Result]) -> str:
    """Render the table itself, in the order of `configurations` in params.yaml."""
    ours, papers = best_scores(rows, "score"), best_scores(rows, "paper_score")
    header: tuple[str, ...] = HEADER
    rendered = [_row(row, ours, papers) for row in rows]
    if params.active.is_papers:
        for cells, row in zip(rendered, rows, strict=True):
            cells[-1] += f" {APART}" if _lies_apart(row) else ""
    if any(row.seeds for row in rows):
        header = (*header[:SEEDS_AT], "Seeds", *header[SEEDS_AT:])
        for cells, row in zip(rendered, rows, strict=True):
            cells.insert(SEEDS_AT, _seeds(row))
    return table(header, rendered, right=("Rate", "Batch", "Δ"))


def _lies_apart(row: Result) -> bool:
    """Say whether the paper's score lies outside of our interval."""
    if row.paper_score is None or row.ci_low is None or row.ci_high is None:
        return False
    return not row.ci_low <= row.paper_score <= row.ci_high


def _mark_told(params: Params) -> Iterator[str]:
    if params.active.is_papers:
        yield f"{APART} The paper's score lies outside our interval."


def _row(row: Result, ours: Mapping[Any, float], papers: Mapping[Any, float]) -> list[str]:
    score = str(row.reason) if row.score is None else _bold(row.score, ours[row.corpus])
    score += " †" if row.stopped else ""
    interval = "" if row.ci_low is None else f" [{row.ci_low:.3f}, {row.ci_high:.3f}]"
    paper = "–" if row.paper_score is None else _bold(row.paper_score, papers[row.corpus])
    difference = "–"
    if row.score is not None and row.paper_score is not None:
        difference = f"{row.score - row.paper_score:+.3f}"
    return [
        row.task,
        CORPORA[row.corpus].title,
        row.scheme if row.is_papers else f"{row.scheme}: {row.run}",
        row.mode,
        shown_rate(row.learning_rate),
        str(row.batch_size),
        row.metric,
        score + interval,
        paper,
        difference,
    ]


def _seeds(row: Result) -> str:
    """Show the mean over seeds, and the best of them."""
    if row.seeds is None:
        return "–"
    return row.seeds.shown + ("" if row.seeds.best is None else f", best {row.seeds.best:.3f}")


def _bold(value: float, best: float) -> str:
    text = f"{value:.3f}"
    return f"**{text}**" if value == best else text


def shown_rate(rate: float) -> str:
    """Show a learning rate as the paper does: 1e-5, and 1.5e-5 in full."""
    mantissa, exponent = f"{rate:.4e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def table_of_best_epochs(params: Params, outcome: Outcome) -> str:
    """Set the kept epoch's scores beside the best epoch of each task, as the paper reports it."""
    rows = []
    for result in outcome.results:
        if params.run(result.run).scheme != "multi-task":
            continue
        history = [e for e in outcome.histories[result.run] if e.corpus == result.corpus]
        kept = next((e.dev_score for e in history if e.epoch == result.best_epoch), None)
        defined = [e for e in history if e.dev_score is not None]
        best = max(defined, key=lambda e: (e.dev_score, -e.epoch), default=None)
        rows.append(
            [
                result.run,
                result.corpus,
                f"{_score(kept)} (epoch {result.best_epoch})" if result.best_epoch else "–",
                f"{_score(best.dev_score)} (epoch {best.epoch})" if best else "undefined",
                "–" if result.paper_score is None else f"{result.paper_score:.3f}",
            ]
        )
    if not rows:
        return ""
    told = (
        "A multi-task run keeps one model: that of the epoch with the best mean over its tasks. "
        "The paper gives each task its own best epoch."
    )
    return told + "\n\n" + table(("Run", "Corpus", "Kept", "Best of this task", "Paper"), rows)


def _score(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def notes(params: Params, outcome: Outcome) -> Iterator[str]:
    """Yield every caveat that holds for this report, and no other."""
    active = params.active
    yield from _notes_on_corpora(outcome)
    if active.backbone != PAPER_BACKBONE:
        yield f"The paper's backbone is {PAPER_BACKBONE}; the one here is {active.backbone}."
    if active.backbone == "all-MiniLM-L6-v2":
        yield (
            "all-MiniLM-L6-v2 was itself trained on Quora duplicates and on sentence pairs, so its "
            "Quora scores are favoured."
        )
    if {active.epochs.pretrain, active.epochs.finetune} != {PAPER_EPOCHS}:
        yield (
            f"The paper trains {PAPER_EPOCHS} epochs; here pretrain runs have "
            f"{active.epochs.pretrain} and finetune runs {active.epochs.finetune}."
        )
    for mode in ("pretrain", "finetune"):
        scale = getattr(active.learning_rate_scale, mode)
        if scale != 1.0:
            yield (
                f"The profile multiplies the learning rate of {mode} runs by {scale:g}: Table 3 "
                "above gives the rates as used, `runs` in `params.yaml` those before that."
            )
    yield from _note_on_readings(params, outcome.results)
    yield TABLE_2_MISPRINT
    yield "The epoch that is kept is chosen by the dev set it is then reported on, as in the paper."
    if any(row.seeds for row in outcome.results):
        yield SEEDS_NOTE
    yield from _note_on_majorities(outcome.results)


def _notes_on_corpora(outcome: Outcome) -> Iterator[str]:
    """Yield what validation carries over; what several corpora share once, under all names."""
    corpora_of: dict[str, list[str]] = {}
    for corpus, found in outcome.validations.items():
        for note in found["notes"]:
            corpora_of.setdefault(str(note), []).append(corpus)
    for note, corpora in corpora_of.items():
        says_itself = note.lower().startswith(corpora[0])
        yield note if says_itself else f"{', '.join(corpora)}: {note}"


def _note_on_readings(params: Params, rows: Sequence[Result]) -> Iterator[str]:
    runs = [params.run(row.run) for row in rows]
    words = [word for run in runs for word in (run.pair_encoding, run.idle_heads) if word]
    if words:
        yield (
            "The paper leaves open whether the two sentences of a pair see each other "
            "(`pair_encoding`), and what happens to a head that has no turn (`idle_heads`). The "
            f"runs here have {', '.join(f'`{word}`' for word in dict.fromkeys(words))}; why, and "
            "what the other readings score: [what the paper leaves open](readings.md)."
        )


def _note_on_majorities(rows: Sequence[Result]) -> Iterator[str]:
    majorities = {r.corpus: r.majority_class for r in rows if r.majority_class is not None}
    if majorities:
        told = ", ".join(f"{corpus} {value:.3f}" for corpus, value in majorities.items())
        yield (
            f"Always saying the commonest class of the dev set would score {told}; constant "
            "predictions have no Pearson correlation."
        )


def table3_json(rows: Sequence[Result]) -> list[dict[str, Any]]:
    """Return table3.json: one object a row.

    An undefined score is null and has a `reason`; a run that ended early is `stopped`; one that was
    trained with several seeds has `seeds`, of which those that are `undefined` are in no number.
    """
    objects = []
    for row in rows:
        values = asdict(row)
        keys = [*KEYS, *["reason"] * (row.score is None), *["stopped"] * row.stopped]
        keys += ["seeds"] * (row.seeds is not None)
        objects.append({key: values[key] for key in keys})
    return objects


def summary(rows: Sequence[Result]) -> dict[str, float | int]:
    """Return a handful of numbers for `dvc exp show`, under names that make narrow columns.

    Of the paper's rows, `finetune`, `pretrain` and `multitask` (finetuned) are mean scores,
    accuracies and correlations alike; a mean over an undefined score is left out. `finetune_wins`
    counts the rows in which finetune beats pretrain (of seven), `multitask_holds` the corpora on
    which finetuned multi-task holds up against single-task (of three).
    """
    rows = [row for row in rows if row.is_papers]
    groups = {
        "finetune": [row.score for row in rows if row.mode == "finetune"],
        "pretrain": [row.score for row in rows if row.mode == "pretrain"],
        "multitask": [
            row.score for row in rows if row.scheme == "multi-task" and row.mode == "finetune"
        ],
    }
    means = {
        name: round(mean(score for score in scores if score is not None), 4)
        for name, scores in groups.items()
        if scores and None not in scores
    }
    return means | {
        "finetune_wins": sum(is_better(pair[1], pair[0]) for pair in pairs_by_mode(rows)),
        "multitask_holds": sum(is_no_worse(*pair) for pair in pairs_by_scheme(rows, "finetune")),
    }
