"""Section 6 of the paper, point by point, with our evidence."""

from collections.abc import Iterator, Sequence

from pipeline.params import Params
from pipeline.reporting.claims import finetune_claim, multitask_claim, pairs_by_scheme
from pipeline.reporting.dead_heads import NOT_SHOWN, HeadsRun, sentiment_told, similarity_told
from pipeline.reporting.markdown import table
from pipeline.reporting.results import EpochScore, Outcome, Result
from pipeline.reporting.tables import PAPER_BACKBONE

DEAD_HEAD = "the head is dead"  # how training/health.py begins its note on one


def analysis_page(
    params: Params, outcome: Outcome, head: Sequence[str], heads_runs: Sequence[HeadsRun]
) -> str:
    """Render analysis.md.

    Args:
        params: in force.
        outcome: of all runs.
        head: sections of every page: what the report stands on, and a warning if need be.
        heads_runs: of the experiment on heads without a turn.
    """
    rows = outcome.results
    sections = [
        "# Section 6 of the paper, point by point",
        *head,
        "## 1. “finetuning improves the performances of all downstream tasks”",
        " ".join(finetune_claim(rows)),
        "## 2. Finetuned, multi-task is “as good as, or better than” single-task",
        "\n".join(multitask_claim(rows, "finetune")),
        "## 3. In pretrain mode the scores “from the single-task setup are higher”",
        "\n".join(multitask_claim(rows, "pretrain")),
        *_papers_differences(rows),
        "## 4. “training only on the tasks-specific layers is not good for the multi-task setup”",
        *_what_differs_when_frozen(outcome),
        *_experiment(params, sentiment_told(heads_runs)),
        "## 5. Frozen multi-task STS scores 0.001 or NaN: “predicted values … were all zero”",
        *_similarity(params, outcome),
        *_experiment(params, similarity_told(heads_runs)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _papers_differences(rows: Sequence[Result]) -> Iterator[str]:
    told = [
        f"{single.corpus} {multi.paper_score - single.paper_score:+.3f}"
        for single, multi in pairs_by_scheme(rows, "pretrain")
        if single.paper_score is not None and multi.paper_score is not None
    ]
    if told:
        yield f"The paper's own differences, multi-task less single-task: {', '.join(told)}."


def _what_differs_when_frozen(outcome: Outcome) -> Iterator[str]:
    """Set the two schemes' trainings side by side where the backbone is frozen."""
    pairs = pairs_by_scheme(outcome.results, "pretrain")
    if not pairs:
        return
    yield (
        "With a frozen backbone no parameter is shared: each head gets gradients from its own "
        "corpus alone. What is left to differ is how many steps a head has, the weight of its "
        "loss, what the optimizer does to it while others have their turns (`idle_heads`), the "
        "random numbers it begins and drops out with, its own settings, and the epoch that is "
        "kept, which is the best for the mean over tasks and not for each. A score that falls in "
        "this mode is a matter of these, not of tasks in conflict."
    )
    yield table(
        (
            "Corpus",
            "Scheme",
            "Steps of its head in an epoch",
            "Left out",
            "Kept",
            "Score there",
            "Its own best epoch",
        ),
        [_frozen_row(outcome, result) for pair in pairs for result in pair],
        right=("Steps of its head in an epoch", "Left out", "Kept"),
    )


def _frozen_row(outcome: Outcome, result: Result) -> list[str]:
    history = _history(outcome, result)
    defined = [row for row in history if row.dev_score is not None]
    best = max(defined, key=lambda row: (row.dev_score, -row.epoch), default=None)
    return [
        result.corpus,
        result.scheme,
        f"{history[0].steps:,}",
        f"{outcome.summaries[result.run].left_out[result.corpus]:,}",
        str(result.best_epoch or "–"),
        "undefined" if result.score is None else f"{result.score:.3f}",
        f"{best.dev_score:.3f} (epoch {best.epoch})" if best else "undefined",
    ]


def _similarity(params: Params, outcome: Outcome) -> Iterator[str]:
    """Look for dead heads among the runs on similarities."""
    results = [result for result in outcome.results if result.metric == "pearson"]
    if not results:
        return
    dead = [result.run for result in results if _dead_epochs(outcome, result)]
    found = f"here that happened in {', '.join(dead)}." if dead else "here it happened in no run."
    yield (
        "The head ends in ReLU (section 4.4). Where it answers 0 to every example, its gradient is "
        "0 as well, and with a frozen backbone nothing else moves that could bring it back; its "
        "correlation has a constant in it and is not a number. So all dev predictions are 0 in an "
        f"epoch: {found} The pipeline names such epochs instead of scoring them."
    )
    yield table(
        ("Run", "Predictions of exactly 0", "Epochs of nothing but 0", "Dev scores, by epoch"),
        [
            [
                result.run,
                f"{result.analysis.num_zero or 0:,} of {len(result.analysis.points):,}",
                f"{_dead_epochs(outcome, result)} of {params.epochs(params.run(result.run))}",
                ", ".join(_score(row) for row in _history(outcome, result)),
            ]
            for result in results
        ],
        right=("Predictions of exactly 0", "Epochs of nothing but 0"),
    )


def _experiment(params: Params, told: Iterator[str]) -> Iterator[str]:
    """Add what the experiment on heads without a turn says, where a report has to rely on it."""
    if params.active.backbone == PAPER_BACKBONE:
        yield (
            f"These are scores on {PAPER_BACKBONE}'s own vectors, as the paper's are. "
            "`reports/dead-heads.md` has an experiment on vectors made up to be of its kind."
        )
        return
    sentences = list(told)
    if sentences:
        yield (
            "An experiment trains the paper's three frozen heads with its turns, 1 batch of SST to "
            "66 of Quora and 2 of STS, from several seeds (`reports/dead-heads.md`). Idle heads "
            "are stepped, as torch did before 2.0, or skipped, as it does today. "
            f"{' '.join(sentences)} {NOT_SHOWN}"
        )


def _dead_epochs(outcome: Outcome, result: Result) -> int:
    return sum(DEAD_HEAD in row.note for row in _history(outcome, result))


def _score(row: EpochScore) -> str:
    return "undefined" if row.dev_score is None else f"{row.dev_score:.3f}"


def _history(outcome: Outcome, result: Result) -> list[EpochScore]:
    return [row for row in outcome.histories[result.run] if row.corpus == result.corpus]
