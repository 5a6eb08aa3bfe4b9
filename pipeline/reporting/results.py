"""What the report is made of: one `Result` for each row of Table 3, and what runs left behind."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.errors import ReportError
from pipeline.files import read_json
from pipeline.paper import TABLE_3, Scheme
from pipeline.params import Params
from pipeline.tasks import CORPORA, CorpusName, Metric, Mode


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


@dataclass(frozen=True)
class EpochScore:
    """A run's dev score on a corpus after one epoch; None where undefined."""

    epoch: int
    corpus: CorpusName
    dev_score: float | None


@dataclass(frozen=True)
class Outcome:
    """Everything a report says, read once."""

    profile: str
    results: Sequence[Result]
    summaries: Mapping[str, Mapping[str, Any]]  # run.json by run
    histories: Mapping[str, Sequence[EpochScore]]  # by run
    validations: Mapping[CorpusName, Mapping[str, Any]]


def read_outcome(params: Params) -> Outcome:
    """Read what all runs left.

    Raises:
        ReportError: a file is missing or not what a stage writes.
    """
    scores = {run: _read(paths.scores_json(run), "corpora") for run in params.runs}
    folders = {run: paths.run_dir(run) for run in params.runs}
    return Outcome(
        profile=params.profile,
        results=[_result(params, name, scores) for name in params.configurations],
        summaries={
            run: _read(paths.run_summary(folder), "best_epoch") for run, folder in folders.items()
        },
        histories={
            run: _read_history(paths.run_history(folder)) for run, folder in folders.items()
        },
        validations={name: _read(paths.validation_json(name), "counts") for name in CORPORA},
    )


def _result(params: Params, name: str, scores: Mapping[str, Mapping[str, Any]]) -> Result:
    configuration = params.configurations[name]
    run = params.run(configuration.run)
    corpus = CORPORA[configuration.corpus]
    try:
        told = scores[configuration.run]["corpora"][corpus.name]
        return Result(
            configuration=name,
            run=configuration.run,
            task=corpus.task.title,
            corpus=corpus.name,
            scheme=run.scheme,
            mode=run.mode,
            learning_rate=params.learning_rate(run),
            batch_size=run.batch_size[corpus.name],
            metric=told["metric"],
            score=told["score"],
            ci_low=told["ci_low"],
            ci_high=told["ci_high"],
            paper_score=TABLE_3.get((corpus.name, run.scheme, run.mode)),
            best_epoch=told["best_epoch"],
            reason=told["reason"],
            majority_class=told["majority_class"],
        )
    except (KeyError, TypeError) as error:
        path = paths.scores_json(configuration.run)
        raise ReportError(f"{path} says nothing of {error}; run `dvc repro`") from None


def _read(path: Path, key: str) -> Mapping[str, Any]:
    """Read a JSON object that has `key`."""
    try:
        content = read_json(path)
        content[key]
    except OSError:
        raise ReportError(f"{path} is missing; run `dvc repro`") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, IndexError):
        raise ReportError(f"{path} is damaged; delete it and run `dvc repro`") from None
    found: Mapping[str, Any] = content
    return found


def _read_history(path: Path) -> list[EpochScore]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                EpochScore(
                    int(row["epoch"]),
                    CORPORA[row["corpus"]].name,  # type: ignore[index]
                    float(row["dev_score"]) if row["dev_score"] else None,
                )
                for row in csv.DictReader(file)
            ]
    except OSError:
        raise ReportError(f"{path} is missing; run `dvc repro`") from None
    except (KeyError, ValueError, TypeError):
        raise ReportError(f"{path} is damaged; delete it and run `dvc repro`") from None


def best_scores(rows: Sequence[Result], which: str) -> dict[CorpusName, float]:
    """Return the best score of each corpus, ours (`score`) or the paper's (`paper_score`)."""
    best: dict[CorpusName, float] = {}
    for row in rows:
        value = getattr(row, which)
        if value is not None:
            best[row.corpus] = max(value, best.get(row.corpus, -1.0))
    return best
