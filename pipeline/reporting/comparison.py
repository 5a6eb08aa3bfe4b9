"""Two sides scored on the same dev examples, and whether their difference could be chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline import paths
from pipeline.errors import ReportError
from pipeline.evaluation.metrics import METRICS, Score
from pipeline.evaluation.paired import Difference, paired_bootstrap
from pipeline.reporting.sides import Side, dev_predictions, dev_set
from pipeline.tasks import CORPORA, CorpusName

RESAMPLES = 5_000
CONFIDENCE = 0.95
SEED = 11711

SAME = "same predictions"
OTHER_DEV_SET = "other dev set"


@dataclass(frozen=True)
class Asked:
    """What is to be compared: a corpus under a run of either side."""

    name: str
    corpus: CorpusName
    first: str
    second: str


@dataclass(frozen=True)
class Compared:
    """What came of it."""

    asked: Asked
    num_examples: int
    first: Score
    second: Score
    difference: Difference | None
    note: str  # why there is no difference to test, or ""


def asked_of_revisions(first: Side, second: Side) -> list[Asked]:
    """Pair the configurations that two revisions share.

    Raises:
        ReportError: they share none.
    """
    ours, others = first.configurations, second.configurations
    shared = [name for name in ours if name in others and ours[name][1] == others[name][1]]
    if not shared:
        raise ReportError(f"{first.name} and {second.name} have no configuration in common")
    return [Asked(name, ours[name][1], ours[name][0], others[name][0]) for name in shared]


def run_of_corpus(side: Side, names: str) -> dict[CorpusName, str] | None:
    """Read `names` as runs or configurations, separated by commas; None if one is neither.

    Raises:
        ReportError: two of them have a corpus in common.
    """
    found: dict[CorpusName, str] = {}
    for name in _split(names):
        pairs = _runs_called(name, side)
        if not pairs:
            return None
        for run, corpus in sorted(pairs):
            if corpus in found:
                raise ReportError(f"{names}: both {found[corpus]} and {run} are of {corpus}")
            found[corpus] = run
    return found


def check_names(side: Side, *names: str) -> None:
    """Let names through that cannot be meant for runs of this side.

    Raises:
        ReportError: one is of a run without a configuration, or only some are of runs.
    """
    each = [name for listed in names for name in _split(listed)]
    runs = [name for name in each if _runs_called(name, side)]
    others = [name for name in each if name not in runs]
    for name in others:
        if any(key.startswith(f"runs.{name}.") for key in side.params):
            raise ReportError(
                f"run {name} has no row of Table 3; give it one under `configurations` in "
                f"{paths.PARAMS}"
            )
    if runs and others:
        raise ReportError(
            f"{runs[0]!r} names a run of {side.name}, {others[0]!r} does not; name two runs or two "
            "revisions"
        )


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _runs_called(name: str, side: Side) -> set[tuple[str, CorpusName]]:
    """Return the runs and corpora that a run or a configuration stands for."""
    return {
        (run, corpus)
        for configuration, (run, corpus) in side.configurations.items()
        if name in (configuration, run)
    }


def asked_of_runs(first: Mapping[CorpusName, str], second: Mapping[CorpusName, str]) -> list[Asked]:
    """Pair runs by the corpora that both sides have.

    Raises:
        ReportError: there is none.
    """
    shared = [corpus for corpus in CORPORA if corpus in first and corpus in second]
    if not shared:
        raise ReportError(
            f"no corpus in common: {', '.join(sorted(first))} and {', '.join(sorted(second))}"
        )
    return [Asked(corpus, corpus, first[corpus], second[corpus]) for corpus in shared]


def compare(first: Side, second: Side, asked: Sequence[Asked]) -> list[Compared]:
    """Score both sides, and test the difference where they answered the same dev set.

    Raises:
        ReportError, RevisionError: a side's files are missing or not those of its dvc.lock.
    """
    return [_compared(first, second, each) for each in asked]


def _compared(first: Side, second: Side, asked: Asked) -> Compared:
    corpus = asked.corpus
    metric = CORPORA[corpus].task.metric
    examples, others = dev_set(first, corpus), dev_set(second, corpus)
    labels = examples["label"].to_numpy()
    predictions = (
        dev_predictions(first, asked.first, examples, corpus),
        dev_predictions(second, asked.second, others, corpus),
    )
    score = METRICS[metric](predictions[0], labels)
    note, difference = "", None
    if not examples.equals(others):
        note = OTHER_DEV_SET
    elif score.value is not None and np.array_equal(*predictions):
        note = SAME
    else:
        difference = paired_bootstrap(
            metric, predictions, labels, resamples=RESAMPLES, confidence=CONFIDENCE, seed=SEED
        )
    return Compared(
        asked=asked,
        num_examples=len(labels),
        first=score,
        second=METRICS[metric](predictions[1], others["label"].to_numpy()),
        difference=difference,
        note=note,
    )
