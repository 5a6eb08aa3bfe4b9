"""One side of a comparison: its predictions on the dev sets, and what they were made with.

What they were made with is read from dvc.lock, which tells of the results that are there, and not
from params.yaml, which may have been edited since.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import paths
from pipeline.corpora.reading import read_split
from pipeline.errors import CorpusError, ReportError, SchemaError
from pipeline.evaluation.course_format import read_predictions
from pipeline.evaluation.metrics import Values
from pipeline.files import md5_of, read_record
from pipeline.schemas import TRAIN
from pipeline.tasks import CORPORA, CorpusName
from pipeline.yaml12 import read_yaml

Fetch = Callable[[Path], Path]  # from a path in the repository to a file to read

INPUTS = ("corpora", "backbone")  # stages whose outs are what a run starts from


@dataclass(frozen=True)
class Side:
    """A revision's results."""

    name: str  # as it was asked for
    params: Mapping[str, Any]  # by dotted key; the profile in force is called `profile`
    profile: str
    made_of: Mapping[str, str]  # hashes of the code and of what runs start from, by path
    scores: Mapping[str, str]  # hash of each run's scores
    fetch: Fetch

    @property
    def runs(self) -> list[str]:
        """Return the names of its runs."""
        return list(dict.fromkeys(run for run, _ in self.configurations.values()))

    @property
    def configurations(self) -> dict[str, tuple[str, CorpusName]]:
        """Return the run and the corpus of each row of Table 3."""
        found: dict[str, dict[str, Any]] = {}
        for key, value in self.params.items():
            if key.startswith("configurations."):
                _, name, field = key.split(".")
                found.setdefault(name, {})[field] = value
        return {name: (told["run"], told["corpus"]) for name, told in found.items()}


def read_side(name: str, fetch: Fetch) -> Side:
    """Read what a revision's results were made with.

    Raises:
        RevisionError: it has no dvc.lock.
        ReportError: its dvc.lock is damaged, or of a pipeline that did not come to its end.
    """
    try:
        stages = read_yaml(fetch(paths.DVC_LOCK))["stages"]
        locked = dict(_flat(stages["report"]["params"][str(paths.PARAMS)]))
        runs = {value for key, value in locked.items() if _is_run_of_configuration(key)}
        used = {key: stage for key, stage in stages.items() if _is_used(key, runs)}
        side = Side(
            name=name,
            profile=locked["profile"],
            params=_params(locked, used, name),
            made_of=dict(_made_of(used)),
            scores={run: _hash_of_scores(stages[f"evaluate@{run}"], run) for run in sorted(runs)},
            fetch=fetch,
        )
        return side if side.configurations else _refuse(name)
    except (KeyError, TypeError, AttributeError, ValueError):
        return _refuse(name)


def _refuse(name: str) -> Side:
    raise ReportError(
        f"{paths.DVC_LOCK} of {name} tells of no finished report; run `make repro` there"
    )


def dev_set(side: Side, corpus: CorpusName) -> pd.DataFrame:
    """Return the examples that scores are on, by id.

    Raises:
        RevisionError: the file is not here.
        ReportError: it cannot be read.
    """
    with _fetched(side, paths.split_csv(paths.corpus_dir(corpus), "dev")) as file:
        return read_split(file, CORPORA[corpus]).set_index("id").sort_index()


def dev_predictions(side: Side, run: str, examples: pd.DataFrame, corpus: CorpusName) -> Values:
    """Return a run's prediction for each example, NaN where it has none, float [N].

    Raises:
        RevisionError: the file is not here.
        ReportError: it is not the one of which dvc.lock tells, or cannot be read.
    """
    scores = paths.scores_json(run)
    if md5_of(side.fetch(scores)) != side.scores[run]:
        raise ReportError(
            f"{scores} is not the one in {paths.DVC_LOCK}; run `dvc checkout` or `make repro`"
        )
    with _fetched(side, paths.predictions_csv(run, corpus, "dev")) as file:
        ids, values = read_predictions(file, CORPORA[corpus])
    return np.asarray(pd.Series(values, index=ids, dtype="float64").reindex(examples.index))


def devices(side: Side) -> list[str]:
    """Return where the runs were trained, and in which precision.

    Raises:
        RevisionError: a run's summary is not here.
        ReportError: it cannot be read.
    """
    found = set()
    for run in side.runs:
        with _fetched(side, paths.run_summary(paths.run_dir(run))) as file:
            told = read_record(file, TRAIN)
        found.add(f"{told['device']} ({told['precision']})")
    return sorted(found)


@contextmanager
def _fetched(side: Side, path: Path) -> Iterator[Path]:
    """Lend a side's file to read, and tell of it by its name and not by where its copy lies."""
    try:
        yield side.fetch(path)
    except (CorpusError, SchemaError):
        raise ReportError(
            f"{path} of {side.name} is damaged, or another version of this project wrote it; run "
            "`make repro` on its params with this version"
        ) from None


def _is_run_of_configuration(key: str) -> bool:
    return key.startswith("configurations.") and key.endswith(".run")


def _is_used(stage: str, runs: set[str]) -> bool:
    """Say whether predictions come from a stage; dvc.lock keeps those of runs that are no more."""
    kind, _, key = stage.partition("@")
    if kind in ("train", "evaluate"):
        return key in runs
    return kind in (*INPUTS, "tokens", "features")


def _params(locked: Mapping[str, Any], used: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return all params under one name, whichever profile is in force."""
    found = dict(locked)
    for told in used.values():
        for key, value in _flat(told.get("params", {}).get(str(paths.PARAMS), {})):
            if found.setdefault(key, value) != value:
                raise ReportError(
                    f"{paths.DVC_LOCK} of {name} has two values of {key}; finish `make repro` there"
                )
    own = f"profiles.{locked['profile']}."
    return {
        f"(profile) {key.removeprefix(own)}" if key.startswith(own) else key: value
        for key, value in found.items()
    }


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no mapping, with its dotted key."""
    if not isinstance(value, Mapping):
        yield prefix.removesuffix("."), value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{prefix}{key}.")


def _made_of(used: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, told in used.items():
        yield from ((d["path"], d["md5"]) for d in told["deps"] if d["path"].endswith(".py"))
        if name in INPUTS:
            yield from ((out["path"], out["md5"]) for out in told["outs"])


def _hash_of_scores(told: Mapping[str, Any], run: str) -> str:
    (found,) = (o["md5"] for o in told["outs"] if o["path"] == paths.scores_json(run).as_posix())
    return str(found)
