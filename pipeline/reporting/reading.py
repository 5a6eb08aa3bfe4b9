"""Everything a report says, read from its records: one `Result` for each row of Table 3."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.core import paths
from pipeline.core.paper import TABLE_3
from pipeline.core.schemas import EVALUATE, INPUTS, REPORT, TRAIN, TRIALS, VALIDATE, Schema
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.evaluation.paired import Difference
from pipeline.plumbing.params import Params, RunParams
from pipeline.plumbing.trials import Trial, changed
from pipeline.reporting.records import Records
from pipeline.reporting.results import (
    EpochScore,
    Outcome,
    Result,
    RunSummary,
    Spread,
    Tried,
    spread_of,
)

# what the data page shows of a validation
VALIDATION_KEYS = (
    *("source", "counts", "paper_counts", "count_notes", "notes", "dropped"),
    *("label_balance", "lengths", "length_counts", "findings"),
)
SCORE_KEYS = ("score", "reason", "ci_low", "ci_high", "best_epoch")


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
        validations={
            name: _read_keys(records, paths.validation_json(name), VALIDATE, *VALIDATION_KEYS)
            for name in CORPORA
        },
        texts=_read_texts(records, results),
    )


def _results(params: Params, records: Records, summaries: Mapping[str, RunSummary]) -> list[Result]:
    """Read every row of Table 3; the paper's score goes to the first of several that are alike."""
    with records.record(paths.RECORDED_DIFFERENCES, REPORT) as content:
        tested = {name: Difference(**values) for name, values in content["differences"].items()}
    left = dict(TABLE_3)
    results = []
    for name, row in params.configurations.items():
        run_name, corpus = row.run, row.corpus
        run, task = params.run(run_name), CORPORA[corpus].task
        with records.record(paths.scores_json(run_name), EVALUATE) as scores:
            found = scores["corpora"][corpus]
            keys = (*SCORE_KEYS, "majority_class", "left_out", "num_examples", "secondary")
            result = Result(
                configuration=name,
                run=run_name,
                task=task.title,
                corpus=corpus,
                scheme=run.scheme,
                mode=run.mode,
                learning_rate=params.learning_rate(run),
                batch_size=run.batch_size[corpus],
                metric=task.metric,
                paper_score=left.pop((corpus, run.scheme, run.mode), None),
                stopped=summaries[run_name].stopped is not None,
                **{key: found[key] for key in keys},
                analysis=found["analysis"],
                over_single=tested.get(name),
            )
            results.append(result)
    return results


def _read_trial(
    params: Params, records: Records, name: str, trial: Trial, results: Sequence[Result]
) -> Iterator[Tried]:
    """Read the rows of a trial's run as the trial scored them."""
    run = changed(params.run(trial.run), trial.changes)
    with records.record(paths.trial_scores(paths.trial_dir(name)), TRIALS) as content:
        trained = content["trained"]
        for row in results:
            if row.run == trial.run:
                scores: dict[str, Any] = content["corpora"][row.corpus]
                result = replace(
                    row,
                    learning_rate=params.learning_rate(run),
                    batch_size=run.batch_size[row.corpus],
                    stopped=trained["stopped"] is not None,
                    over_single=None,
                    **{key: scores[key] for key in SCORE_KEYS},
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


def _read_texts(records: Records, results: Sequence[Result]) -> dict[CorpusName, dict[str, str]]:
    """Read what the examples say that a run got wrong; real corpora are not quoted."""
    with records.record(paths.RECORDED_TEXTS, REPORT) as content:
        texts: dict[CorpusName, dict[str, str]] = content["texts"]
        return {
            corpus: {
                mistake.id: texts[corpus][mistake.id]
                for row in results
                if row.corpus == corpus
                for mistake in row.analysis.mistakes
            }
            for corpus in texts
        }


def _read_summary(records: Records, name: str, run: RunParams) -> RunSummary:
    with records.record(paths.run_summary(paths.run_dir(name)), TRAIN) as content:
        keys = ("epochs", "best_epoch", "stopped", "learning_rate", "parameters_trained")
        return RunSummary(
            device=f"{content['device']} ({content['precision']})",
            **{key: content[key] for key in (*keys, "versions", "pairs_cut")},
            turns={corpus: content["turns"][corpus] for corpus in run.corpora},
            left_out={corpus: content["discarded"][corpus]["examples"] for corpus in run.corpora},
            **_read_keys(records, paths.inputs_json(name), INPUTS, "files"),
            **_read_keys(records, paths.scores_json(name), EVALUATE, "weights_sha256"),
        )


def _read_keys(records: Records, path: Path, schema: Schema, *keys: str) -> dict[str, Any]:
    with records.record(path, schema) as content:
        return {key: content[key] for key in keys}


def _read_history(
    records: Records, name: str, run: RunParams, summary: RunSummary
) -> list[EpochScore]:
    """Read history.csv, which has every epoch of each of the run's corpora.

    The epochs begin with 1, and end with the last unless training was stopped.
    """
    keys = ("epoch", "corpus", "dev_score", "steps", "train_loss")
    with (
        records.file(paths.run_history(paths.run_dir(name))) as path,
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
