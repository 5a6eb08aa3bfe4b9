"""Table 3 as Markdown and JSON, and the handful of numbers for `dvc exp show`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from pipeline.paper import TABLE_2_MISPRINT
from pipeline.params import Params, SyntheticCorpora
from pipeline.reporting.claims import finetune_claim, is_better, multitask_claim, pairs_by_mode
from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome, Result, best_scores
from pipeline.tasks import CORPORA

PAPER_BACKBONE = "bert-base-uncased"
PAPER_EPOCHS = 10
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
    devices = sorted({str(summary["device"]) for summary in outcome.summaries.values()})
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
    return f"cs224n (Quora {corpora.quora_split})"


def table3_page(params: Params, outcome: Outcome) -> str:
    """Render table3.md: the paper's fourteen scores beside ours."""
    multitask = table_of_best_epochs(params, outcome)
    sections = [
        "# Table 3: the paper's scores beside ours",
        page_head(params, outcome),
        *_synthetic_warning(params),
        table3(params, outcome.results),
        f"Scores are on the dev sets, with {params.evaluation.confidence:.0%} bootstrap intervals "
        f"({params.evaluation.bootstrap_resamples:,} resamples of the dev set). Bold: the best "
        "score of each corpus, as in the paper.",
        "## The paper's claims",
        " ".join(finetune_claim(outcome.results)),
        "\n".join(multitask_claim(outcome.results, "finetune")),
        "\n".join(multitask_claim(outcome.results, "pretrain")),
        *(["## Multi-task: the best epoch of each task", multitask] if multitask else []),
        "## Notes",
        "\n".join(f"{i}. {note}" for i, note in enumerate(notes(params, outcome), start=1)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _synthetic_warning(params: Params) -> Iterator[str]:
    if isinstance(params.active.corpora, SyntheticCorpora):
        yield (
            "> **These scores are on generated corpora.** They show that the pipeline works and "
            "how its parts compare; they cannot be compared with the paper's, which stand beside "
            "them for reference only. For real scores run the `laptop` or `paper` profile."
        )


def table3(params: Params, rows: Sequence[Result]) -> str:
    """Render the table itself, in the order of `configurations` in params.yaml."""
    ours, papers = best_scores(rows, "score"), best_scores(rows, "paper_score")
    header = ("Task", "Corpus", "Scheme", "Mode", "Rate", "Batch", "Metric", "Ours", "Paper", "Δ")
    return table(header, [_row(row, ours, papers) for row in rows], right=("Rate", "Batch", "Δ"))


def _row(row: Result, ours: Mapping[Any, float], papers: Mapping[Any, float]) -> list[str]:
    score = row.reason or _bold(row.score, ours.get(row.corpus))
    interval = "" if row.ci_low is None else f" [{row.ci_low:.3f}, {row.ci_high:.3f}]"
    paper = "–" if row.paper_score is None else _bold(row.paper_score, papers.get(row.corpus))
    has_both = row.score is not None and row.paper_score is not None
    difference = f"{row.score - row.paper_score:+.3f}" if has_both else "–"  # type: ignore[operator]
    return [
        row.task,
        CORPORA[row.corpus].title,
        row.scheme,
        row.mode,
        f"{row.learning_rate:.0e}",
        str(row.batch_size),
        row.metric,
        score + interval,
        paper,
        difference,
    ]


def _bold(value: float | None, best: float | None) -> str:
    text = f"{value:.3f}"
    return f"**{text}**" if value == best else text


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
                f"{_score(kept)} (epoch {result.best_epoch})",
                f"{_score(best.dev_score)} (epoch {best.epoch})" if best else "undefined",
            ]
        )
    if not rows:
        return ""
    told = (
        "A multi-task run keeps one model: that of the epoch with the best mean over its tasks. "
        "The paper gives each task its own best epoch."
    )
    return told + "\n\n" + table(("Run", "Corpus", "Kept", "Best of this task"), rows)


def _score(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def notes(params: Params, outcome: Outcome) -> Iterator[str]:
    """Yield every caveat that holds for this report, and no other."""
    active = params.active
    for corpus, found in outcome.validations.items():
        for note in found["notes"]:
            yield f"{corpus}: {note}" if not str(note).lower().startswith(corpus) else str(note)
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
                f"The learning rate of {mode} runs is {scale:g} times the paper's (Table 2), "
                f"since the {params.profile} profile has few steps."
            )
    yield TABLE_2_MISPRINT
    yield "The epoch that is kept is chosen by the dev set it is then reported on, as in the paper."
    yield (
        "Always saying the commonest class of the dev set would score "
        + ", ".join(f"{name} {value:.3f}" for name, value in _majorities(outcome.results).items())
        + "; constant predictions have no Pearson correlation."
    )


def _majorities(rows: Sequence[Result]) -> dict[str, float]:
    return {row.corpus: row.majority_class for row in rows if row.majority_class is not None}


def table3_json(rows: Sequence[Result]) -> list[dict[str, Any]]:
    """Return table3.json: one object a row; an undefined score is null and has a `reason`."""
    objects = []
    for row in rows:
        values = asdict(row)
        keys = [*KEYS, "reason"] if row.score is None else KEYS
        objects.append({key: values[key] for key in keys})
    return objects


def summary(rows: Sequence[Result]) -> dict[str, float | int]:
    """Return a handful of numbers: mean scores, and in how many rows finetune beats pretrain.

    A mean over an undefined score is left out.
    """
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
    pairs = pairs_by_mode(rows)
    wins = sum(is_better(finetune, pretrain) for pretrain, finetune in pairs)
    return means | {"finetune_wins": wins, "rows_compared": len(pairs)}
