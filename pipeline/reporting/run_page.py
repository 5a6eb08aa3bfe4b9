"""A run's own page: what it is, how it went, what it gets wrong, and how to have it again."""

from collections.abc import Iterator, Sequence

from pipeline import paths
from pipeline.params import Params, RunParams
from pipeline.reporting.markdown import code, excerpt, table
from pipeline.reporting.results import EpochScore, Outcome, Result, RunSummary
from pipeline.reporting.tables import shown_rate
from pipeline.tasks import CORPORA

SHORT_HASH = 16  # characters of a SHA-256


def run_page(params: Params, outcome: Outcome, run: str, head: Sequence[str]) -> str:
    """Render runs/<run>.md.

    Args:
        params: in force.
        outcome: of all runs.
        run: whose page it is.
        head: sections of every page: what the report stands on, and a warning if need be.
    """
    results = [result for result in outcome.results if result.run == run]
    told = outcome.summaries[run]
    sections = [
        f"# Run {run}",
        *head,
        _scores(results),
        f"![Loss, dev score, predictions and calibration of {run}]({run}.svg)",
        "## Settings",
        _settings(params, run, told),
        "## Epochs",
        _epochs(outcome.histories[run], told.best_epoch),
        *(section for result in results for section in _mistakes(outcome, result)),
        "## To run it again",
        f"`make repro` with these params; what is there already is not made anew. To train it "
        f"again all the same: `dvc repro -f -s train@{run}`, then `make repro`. It gives the same "
        "bytes on the same machine.",
        "## Provenance",
        *_provenance(run, told),
    ]
    return "\n\n".join(sections) + "\n"


def _scores(results: Sequence[Result]) -> str:
    header = ("Corpus", "Metric", "Dev score", "Paper", "Beside", "Commonest class", "Examples")
    rows = [
        [
            CORPORA[result.corpus].title,
            result.metric,
            _score(result),
            _shown(result.paper_score),
            ", ".join(
                f"{name.replace('_', ' ')} {_shown(value)}"
                for name, value in result.secondary.items()
            ),
            _shown(result.majority_class),
            f"{result.num_examples:,}",
        ]
        for result in results
    ]
    return table(header, rows, right=("Paper", "Commonest class", "Examples"))


def _score(result: Result) -> str:
    if result.score is None:
        return str(result.reason)
    interval = "" if result.ci_low is None else f" [{result.ci_low:.3f}, {result.ci_high:.3f}]"
    return f"**{result.score:.3f}**{interval}"


def _settings(params: Params, name: str, told: RunSummary) -> str:
    run = params.run(name)
    optimizer = params.optimizer
    adamw = (
        f"betas {', '.join(f'{beta:g}' for beta in optimizer.betas)}; "
        f"epsilon {shown_rate(optimizer.epsilon)}; decay {optimizer.weight_decay:g}"
    )
    rows = [
        ("Mode", f"{run.mode}: {MODES[run.mode]}"),
        ("Scheme", run.scheme),
        ("Learning rate, as used", shown_rate(told.learning_rate)),
        ("Batch size", ", ".join(f"{corpus} {size}" for corpus, size in run.batch_size.items())),
        ("Epochs", _epochs_told(told)),
        ("Dropout", f"{run.dropout:g}"),
        *_readings(run),
        ("A round of Equation 1", " + ".join(f"{n} {corpus}" for corpus, n in told.turns.items())),
        ("Left out by its floor, examples of an epoch", _left_out(told)),
        *_pairs_cut(told),
        ("Parameters trained", f"{told.parameters_trained:,}"),
        ("AdamW", adamw),
        ("Seed", str(params.seed)),
    ]
    return table(("What", "Value"), rows)


def _epochs_told(told: RunSummary) -> str:
    stopped = "" if told.stopped is None else f"; stopped early: {told.stopped}"
    return f"{told.epochs}, kept: {told.best_epoch or 'none'}{stopped}"


MODES = {
    "pretrain": "the backbone is frozen, heads learn",
    "finetune": "everything learns",
}


READINGS = {
    "joint": "joint: both sentences in one sequence",
    "separate": "separate: each sentence by itself",
    "step": "step: AdamW moves a head without a turn, too",
    "skip": "skip: a head without a turn stays as it is",
}


def _readings(run: RunParams) -> Iterator[tuple[str, str]]:
    """Yield how the run reads the paper where that leaves it open."""
    if run.pair_encoding:
        yield "Pair encoding", READINGS[run.pair_encoding]
    if run.idle_heads:
        yield "Idle heads", READINGS[run.idle_heads]


def _pairs_cut(told: RunSummary) -> Iterator[tuple[str, str]]:
    """Yield how many pairs are longer than what the backbone is given, if any is."""
    counts = [
        f"{count:,} of {corpus} {split}"
        for corpus, splits in told.pairs_cut.items()
        for split, count in splits.items()
        if count
    ]
    if counts:
        yield "Pairs that were cut", ", ".join(counts)


def _left_out(told: RunSummary) -> str:
    counts = (f"{count:,} {corpus}" for corpus, count in told.left_out.items() if count)
    return ", ".join(counts) or "none"


def _epochs(history: Sequence[EpochScore], best_epoch: int) -> str:
    header = ("Epoch", "Corpus", "Steps", "Training loss", "Dev score", "What went wrong")
    rows = [
        [
            f"**{row.epoch}**" if row.epoch == best_epoch else str(row.epoch),
            row.corpus,
            f"{row.steps:,}",
            _shown(row.train_loss),
            _shown(row.dev_score),
            row.note,
        ]
        for row in history
    ]
    numbers = ("Epoch", "Steps", "Training loss", "Dev score")
    return table(header, rows, right=numbers) + "\n\nBold: the epoch that is kept."


def _mistakes(outcome: Outcome, result: Result) -> Iterator[str]:
    """Say how far confidence can be trusted, and list the worst mistakes."""
    analysis, corpus = result.analysis, CORPORA[result.corpus]
    yield f"## Mistakes on {corpus.title}"
    yield from _calibration(result)
    if not analysis.mistakes:
        yield "There is none." if result.score is not None else f"{result.reason}."
        return
    if corpus.has_classes:
        yield f"The {len(analysis.mistakes)} wrong predictions with the highest probability:"
    else:
        yield f"The {len(analysis.mistakes)} predictions that are farthest off:"
    texts = outcome.texts.get(result.corpus)
    columns = {
        "Example": [code(mistake.id) for mistake in analysis.mistakes],
        "Label": [f"{mistake.label:g}" for mistake in analysis.mistakes],
        "Predicted": [
            f"{mistake.prediction:.{0 if corpus.has_classes else 2}f}"
            for mistake in analysis.mistakes
        ],
    }
    if corpus.has_classes:
        columns["Probability"] = [_shown(mistake.confidence) for mistake in analysis.mistakes]
    if texts is not None:  # real corpora are not quoted
        columns["Text"] = [excerpt(texts[mistake.id]) for mistake in analysis.mistakes]
    rows = list(zip(*columns.values(), strict=True))
    yield table(list(columns), rows, right=("Label", "Predicted", "Probability"))


def _calibration(result: Result) -> Iterator[str]:
    error = result.analysis.calibration_error
    if error is None:
        return
    if CORPORA[result.corpus].has_classes:
        yield (
            f"A probability is off by {error:.3f} on average (expected calibration error over "
            f"{len(result.analysis.bins)} bins): how often the predicted class is right, beside "
            "what the model says of it."
        )
    else:
        yield (
            f"A prediction is off by {error:.2f} from the mean label of those like it, on average "
            f"({len(result.analysis.bins)} bins); {result.analysis.num_zero or 0:,} of "
            f"{len(result.analysis.points):,} predictions are exactly 0, where ReLU is flat."
        )


def _provenance(run: str, told: RunSummary) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in told.versions.items())
    weights = paths.run_weights(paths.run_dir(run))
    yield table(
        ("What", "Value"),
        [
            ("Device and precision", told.device),
            ("Trained with", versions),
            ("Weights, SHA-256", f"`{told.weights_sha256}`"),
        ],
    )
    yield (
        f"`train@{run}` in `dvc.lock` has the hashes of the code, the params and `{weights}`; "
        "`git log` of this page has the commit. How long it took, in what memory, is different "
        "each time and so stands elsewhere: `make times`."
    )
    files = table(
        ("File", "SHA-256"),
        [(f"`{name}`", f"`{value[:SHORT_HASH]}…`") for name, value in told.files.items()],
    )
    yield f"<details><summary>The files it reads, with hashes</summary>\n\n{files}\n\n</details>"


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
