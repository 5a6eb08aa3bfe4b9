"""Reads the content of a report from its records: one `Result` for each row of Table 3."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.core import paths
from pipeline.core.paper import TABLE_3
from pipeline.core.records import (
    CorpusReport,
    Differences,
    RunInputs,
    RunScores,
    RunSummary,
    Texts,
    TrialScores,
)
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.plumbing.params import Params, RunParams
from pipeline.plumbing.trials import Trial
from pipeline.reporting.records import Records
from pipeline.reporting.results import (
    EpochScore,
    Outcome,
    Result,
    Spread,
    Trained,
    Tried,
    spread_of,
)


def read_outcome(params: Params, trials: Mapping[str, Trial], records: Records) -> Outcome:
    """Read the results of all runs and trials.

    Raises:
        ReportError: a file is missing or damaged.
        SchemaError: another version wrote a file.
    """
    summaries = {name: _read_trained(records, name, run) for name, run in params.runs.items()}
    results = _results(params, records, summaries)
    tried = [
        tried
        for name, trial in trials.items()
        for tried in _read_trial(records, name, trial, results)
    ]
    return Outcome(
        results=[
            row.model_copy(update={"seeds": _spread(params.seed, row, tried)}) for row in results
        ],
        tried=tried,
        summaries=summaries,
        histories={
            name: _read_history(records, name, run, summaries[name])
            for name, run in params.runs.items()
        },
        validations={
            name: records.read(paths.validation_json(name), CorpusReport) for name in CORPORA
        },
        texts=_read_texts(records, results),
    )


def _results(params: Params, records: Records, summaries: Mapping[str, Trained]) -> list[Result]:
    """Read every row of Table 3; if several rows match a score of the paper, the first gets it."""
    tested = records.read(paths.RECORDED_DIFFERENCES, Differences).differences
    left = dict(TABLE_3)
    results = []
    for name, row in params.configurations.items():
        run, task = params.run(row.run), CORPORA[row.corpus].task
        with records.file(paths.scores_json(row.run)):
            scores = records.read(paths.scores_json(row.run), RunScores).corpora[row.corpus]
        result = Result(
            **dict(scores),
            configuration=name,
            run=row.run,
            task=task.title,
            corpus=row.corpus,
            scheme=run.scheme,
            mode=run.mode,
            learning_rate=params.learning_rate(run),
            batch_size=run.batch_size[row.corpus],
            paper_score=left.pop((row.corpus, run.scheme, run.mode), None),
            stopped=summaries[row.run].stopped is not None,
            over_single=tested.get(name),
        )
        results.append(result)
    return results


def _read_trial(
    records: Records, name: str, trial: Trial, results: Sequence[Result]
) -> Iterator[Tried]:
    """Read the trial's score for each row of its run."""
    path = paths.trial_dir(name) / paths.TRIAL_SCORES
    scores = records.read(path, TrialScores)
    for row in results:
        if row.run == trial.run:
            with records.file(path):
                scored = scores.corpora[row.corpus]
            own = {"stopped": scores.trained.stopped is not None, "over_single": None}
            result = row.model_copy(update=dict(scored) | own)
            yield Tried(name, trial.seed, trial.changes, result, scores.trained.trained_on)


def _spread(own_seed: int, row: Result, tried: Sequence[Tried]) -> Spread | None:
    """Summarize a row's scores over the seeds of its run; return None if there is only one."""
    scores = {own_seed: row.score}
    for other in tried:
        if other.result.configuration == row.configuration and not other.has_changes:
            scores.setdefault(other.seed, other.result.score)
    return spread_of(scores.values()) if len(scores) > 1 else None


def _read_texts(records: Records, results: Sequence[Result]) -> dict[CorpusName, dict[str, str]]:
    """Read the texts of examples that a run got wrong; only generated corpora are quoted."""
    texts = records.read(paths.RECORDED_TEXTS, Texts).texts
    with records.file(paths.RECORDED_TEXTS):
        return {
            corpus: {
                mistake.id: texts[corpus][mistake.id]
                for row in results
                if row.corpus == corpus
                for mistake in row.analysis.mistakes
            }
            for corpus in texts
        }


def _read_trained(records: Records, name: str, run: RunParams) -> Trained:
    summary = records.read(paths.run_dir(name) / paths.RUN_SUMMARY, RunSummary)
    scores = records.read(paths.scores_json(name), RunScores)
    with records.file(paths.run_dir(name) / paths.RUN_SUMMARY):
        turns = {corpus: summary.turns[corpus] for corpus in run.corpora}  # in the run's order
    return Trained(
        **dict(summary) | {"turns": turns},
        files=records.read(paths.inputs_json(name), RunInputs).files,
        weights_sha256=scores.weights_sha256,
    )


def _read_history(
    records: Records, name: str, run: RunParams, summary: Trained
) -> list[EpochScore]:
    """Read history.csv and check that it has every epoch of each corpus.

    The epochs must be 1 to the planned number, or fewer if training stopped early.
    """
    keys = ("epoch", "corpus", "dev_score", "steps", "train_loss")
    with (
        records.file(paths.run_dir(name) / paths.HISTORY) as path,
        path.open(encoding="utf-8", newline="") as file,
    ):
        values: list[dict[str, Any]] = [
            {key: row[key] or None for key in keys} | {"note": row["note"] or ""}
            for row in csv.DictReader(file)
        ]
        rows = [EpochScore(**each) for each in values]
        if {row.corpus for row in rows} != set(run.corpora):
            raise ValueError(f"{path} is of other corpora")
        for corpus in run.corpora:
            epochs = [row.epoch for row in rows if row.corpus == corpus]
            last = len(epochs) if summary.stopped else summary.epochs
            if epochs != list(range(1, last + 1)):
                raise ValueError(f"epochs of {corpus} are {epochs}")
    return rows
