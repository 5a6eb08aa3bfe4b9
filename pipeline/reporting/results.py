"""What the report is made of: one `Result` for each row of Table 3, and what runs left behind."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.evaluation.analysis import Analysis, Bin, Mistake
from pipeline.evaluation.paired import Difference
from pipeline.paper import TABLE_3, Scheme
from pipeline.params import Params, RunParams
from pipeline.reporting.records import Records
from pipeline.reporting.spread import Spread, spread_of
from pipeline.schemas import EVALUATE, INPUTS, REPORT, TRAIN, TRIALS, VALIDATE, Schema
from pipeline.tasks import CORPORA, CorpusName, Metric, Mode
from pipeline.trials import Changes, Trial, changed

# what the data page shows of a validation
VALIDATION_KEYS = (
    "source",
    "counts",
    "paper_counts",
    "count_notes",
    "notes",
    "dropped",
    "label_balance",
    "lengths",
    "length_counts",
    "findings",
)


@dataclass(frozen=True)
class Result:
    """One configuration: its settings, our score and the paper's."""

    configuration: str
    run: str
    task: str
    corpus: CorpusName
    scheme: Scheme
    mode: Mode
    learning_rate: float  # as used: the run's, scaled by the profile
    batch_size: int
    metric: Metric
    score: float | None  # None where undefined
    ci_low: float | None
    ci_high: float | None
    paper_score: float | None  # None where the paper has no such row
    best_epoch: int
    reason: str | None  # why the score is undefined
    majority_class: float | None  # accuracy of always saying the commonest class
    left_out: Mapping[str, int]  # predictions of each split that are no numbers
    stopped: bool  # whether training ended before its last epoch
    num_examples: int  # of the dev set
    secondary: Mapping[str, float | None]  # scores shown beside the corpus's own metric
    analysis: Analysis
    seeds: Spread | None = None  # of this score, where the run was trained with more than one
    over_single: Difference | None = None  # of a multi-task row: its score less the single-task one

    @property
    def is_papers(self) -> bool:
        """Say whether the paper has this row; others are of runs that were added."""
        return self.paper_score is not None


@dataclass(frozen=True)
class EpochScore:
    """A run's steps and dev score on a corpus in one epoch; what is undefined is None."""

    epoch: int
    corpus: CorpusName
    dev_score: float | None
    steps: int
    note: str  # what went wrong, or ""
    train_loss: float | None = None


@dataclass(frozen=True)
class RunSummary:
    """What a run says of itself in run.json."""

    device: str  # and, in brackets, the precision of its matrix products
    epochs: int
    best_epoch: int  # 0: none came to its end
    stopped: str | None  # why training ended early, if it did
    learning_rate: float  # as used
    turns: Mapping[str, int]  # batches of each corpus in a round of Equation 1
    left_out: Mapping[str, int]  # examples of each corpus that the floor keeps out of an epoch
    parameters_trained: int
    versions: Mapping[str, str]  # of what it was trained with
    files: Mapping[str, str]  # SHA-256 of each file it reads
    weights_sha256: str  # of what it became
    # joint pairs of each corpus that are cut to the longest input, by split
    pairs_cut: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """A row of Table 3 as a trial scored it: its run with another seed, or other settings."""

    trial: str
    seed: int
    changes: Changes  # what is other than the run's, the seed aside
    result: Result  # its rate, batch and score; what else it holds is the run's own
    dropout: float
    device: str = ""  # and, in brackets, the precision of its matrix products

    @property
    def has_changes(self) -> bool:
        """Say whether more than the seed is other than the run's."""
        return self.changes != Changes()


@dataclass(frozen=True)
class Outcome:
    """Everything a report says, read once."""

    results: Sequence[Result]
    summaries: Mapping[str, RunSummary]  # by run
    histories: Mapping[str, Sequence[EpochScore]]  # by run
    validations: Mapping[CorpusName, Mapping[str, Any]]
    texts: Mapping[CorpusName, Mapping[str, str]]  # of mistakes, by id; of generated corpora alone
    tried: Sequence[Tried] = ()  # by the trials of a sweep and of the readings


def read_outcome(params: Params, trials: Mapping[str, Trial], records: Records) -> Outcome:
    """Read what all runs and trials left.

    Raises:
        ReportError: a file is missing or not what a stage writes.
        SchemaError: a file was written by another version.
    """
    summaries = {name: _read_summary(records, name, run) for name, run in params.runs.items()}
    results = _results(params, records, summaries)
    tried = [
        tried
        for name, trial in trials.items()
        for tried in _read_trial(params, records, name, trial, results)
    ]
    return Outcome(
        results=[replace(row, seeds=_spread(params.seed, row, tried)) for row in results],
        tried=tried,
        summaries=summaries,
        histories={
            name: _read_history(records, name, run, summaries[name])
            for name, run in params.runs.items()
        },
        validations={name: _read_validation(records, name) for name in CORPORA},
        texts=_read_texts(records, results),
    )


def _results(params: Params, records: Records, summaries: Mapping[str, RunSummary]) -> list[Result]:
    """Read every row of Table 3; the paper's score goes to the first of several that are alike."""
    left = dict(TABLE_3)
    results = []
    for name, configuration in params.configurations.items():
        result = _result(params, records, name, summaries[configuration.run])
        key = (result.corpus, result.scheme, result.mode)
        results.append(replace(result, paper_score=left.pop(key, None)))
    with records.record(paths.RECORDED_DIFFERENCES, REPORT) as told:
        tested = {name: Difference(**values) for name, values in told["differences"].items()}
    return [replace(row, over_single=tested.get(row.configuration)) for row in results]


def _result(params: Params, records: Records, name: str, summary: RunSummary) -> Result:
    configuration = params.configurations[name]
    run = params.run(configuration.run)
    corpus = CORPORA[configuration.corpus]
    with records.record(paths.scores_json(configuration.run), EVALUATE) as scores:
        told = scores["corpora"][corpus.name]
        return Result(
            configuration=name,
            run=configuration.run,
            task=corpus.task.title,
            corpus=corpus.name,
            scheme=run.scheme,
            mode=run.mode,
            learning_rate=params.learning_rate(run),
            batch_size=run.batch_size[corpus.name],
            metric=corpus.task.metric,
            **_score_and_interval(told),
            paper_score=None,  # `_results` knows which row is the paper's
            best_epoch=int(told["best_epoch"]),
            majority_class=_optional(told["majority_class"]),
            left_out={str(split): int(count) for split, count in told["left_out"].items()},
            stopped=summary.stopped is not None,
            num_examples=int(told["num_examples"]),
            secondary={name: _optional(value) for name, value in told["secondary"].items()},
            analysis=_analysis(told["analysis"]),
        )


def _score_and_interval(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read a score with its interval, or the reason why it is undefined."""
    score, reason = _optional(told["score"]), told["reason"]
    if score is None and not isinstance(reason, str):
        raise ValueError("an undefined score has a reason")
    low, high = _optional(told["ci_low"]), _optional(told["ci_high"])
    return {"score": score, "reason": reason, "ci_low": low, "ci_high": high}


def _read_trial(
    params: Params, records: Records, name: str, trial: Trial, results: Sequence[Result]
) -> Iterator[Tried]:
    """Read the rows of a trial's run as the trial scored them."""
    run = changed(params.run(trial.run), trial.changes)
    with records.record(paths.trial_scores(paths.trial_dir(name)), TRIALS) as told:
        trained = told["trained"]
        for row in results:
            if row.run == trial.run:
                scores = told["corpora"][row.corpus]
                result = replace(
                    row,
                    learning_rate=params.learning_rate(run),
                    batch_size=run.batch_size[row.corpus],
                    best_epoch=int(scores["best_epoch"]),
                    stopped=trained["stopped"] is not None,
                    over_single=None,
                    **_score_and_interval(scores),
                )
                device = f"{trained['device']} ({trained['precision']})"
                yield Tried(name, trial.seed, trial.changes, result, run.dropout, device)


def _spread(own_seed: int, row: Result, tried: Sequence[Tried]) -> Spread | None:
    """Sum up a row over the seeds of its run; None where there is only its own."""
    scores = {own_seed: row.score}
    for other in tried:
        if other.result.configuration == row.configuration and not other.has_changes:
            scores.setdefault(other.seed, other.result.score)
    return spread_of(scores.values()) if len(scores) > 1 else None


def _analysis(told: Mapping[str, Any]) -> Analysis:
    return Analysis(
        confusion=told["confusion"],
        points=told["points"],
        bins=[Bin(**values) for values in told["bins"]],
        calibration_error=_optional(told["calibration_error"]),
        mistakes=[Mistake(**values) for values in told["mistakes"]],
        num_zero=told["num_zero"],
    )


def _read_texts(records: Records, results: Sequence[Result]) -> dict[CorpusName, dict[str, str]]:
    """Read what the examples say that a run got wrong; real corpora are not quoted."""
    texts: dict[CorpusName, dict[str, str]] = {}
    with records.record(paths.RECORDED_TEXTS, REPORT) as told:
        for result in results:
            if result.corpus in told["texts"]:
                quoted = told["texts"][result.corpus]
                texts.setdefault(result.corpus, {}).update(
                    {mistake.id: quoted[mistake.id] for mistake in result.analysis.mistakes}
                )
    return texts


def _read_summary(records: Records, name: str, run: RunParams) -> RunSummary:
    with records.record(paths.run_summary(paths.run_dir(name)), TRAIN) as told:
        return RunSummary(
            device=f"{told['device']} ({told['precision']})",
            epochs=int(told["epochs"]),
            best_epoch=int(told["best_epoch"]),
            stopped=told["stopped"],
            learning_rate=_number(told["learning_rate"]),
            turns={corpus: int(told["turns"][corpus]) for corpus in run.corpora},
            left_out={corpus: int(told["discarded"][corpus]["examples"]) for corpus in run.corpora},
            parameters_trained=int(told["parameters_trained"]),
            versions={str(name): str(version) for name, version in told["versions"].items()},
            files=_read_key(records, paths.inputs_json(name), INPUTS, "files"),
            weights_sha256=_read_key(records, paths.scores_json(name), EVALUATE, "weights_sha256"),
            pairs_cut={
                str(corpus): {str(split): int(count) for split, count in counts.items()}
                for corpus, counts in told["pairs_cut"].items()
            },
        )


def _read_key(records: Records, path: Path, schema: Schema, key: str) -> Any:
    with records.record(path, schema) as told:
        return told[key]


def _read_history(
    records: Records, name: str, run: RunParams, summary: RunSummary
) -> list[EpochScore]:
    """Read history.csv, which has every epoch of each of the run's corpora.

    The epochs begin with 1, and end with the last unless training was stopped.
    """
    with (
        records.file(paths.run_history(paths.run_dir(name))) as path,
        path.open(encoding="utf-8", newline="") as file,
    ):
        rows = [_epoch_score(row, run) for row in csv.DictReader(file)]
        for corpus in run.corpora:
            epochs = [row.epoch for row in rows if row.corpus == corpus]
            last = len(epochs) if summary.stopped else summary.epochs
            if not epochs or epochs != list(range(1, last + 1)):
                raise ValueError(f"epochs of {corpus} are {epochs}")
    return rows


def _epoch_score(row: Mapping[str, str], run: RunParams) -> EpochScore:
    return EpochScore(
        epoch=int(row["epoch"]),
        corpus=run.corpora[run.corpora.index(row["corpus"])],
        dev_score=_number(float(row["dev_score"])) if row["dev_score"] else None,
        steps=int(row["steps"]),
        note=row["note"] or "",
        train_loss=_number(float(row["train_loss"])) if row["train_loss"] else None,
    )


def _read_validation(records: Records, corpus: CorpusName) -> Mapping[str, Any]:
    with records.record(paths.validation_json(corpus), VALIDATE) as found:
        return {key: found[key] for key in VALIDATION_KEYS}


def _number(value: Any) -> float:
    """Return a finite number, which JSON as Python reads it need not be."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _optional(value: Any) -> float | None:
    return None if value is None else _number(value)


def best_scores(rows: Sequence[Result], which: str) -> dict[CorpusName, float]:
    """Return the best score of each corpus, ours (`score`) or the paper's (`paper_score`)."""
    best: dict[CorpusName, float] = {}
    for row in rows:
        value = getattr(row, which)
        if value is not None:
            best[row.corpus] = max(value, best.get(row.corpus, -1.0))
    return best
