"""Compares the scores of two sides and tests whether the difference may be due to chance.

A side's params come from dvc.lock, which describes the results, and not from params.yaml, which
may have been edited since then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core import paths
from pipeline.core.files import md5_of
from pipeline.core.records import Difference, RunSummary
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.data.reading import read_split
from pipeline.errors import CorpusError, ReportError, SchemaError
from pipeline.evaluation.course_format import read_predictions
from pipeline.evaluation.paired import paired_bootstrap
from pipeline.heads.metrics import METRICS, Score, Values
from pipeline.plumbing.dvc_lock import LockedStage, read_lock

Fetch = Callable[[Path], Path]  # maps a path in the repository to a readable file
Row = tuple[str, CorpusName]  # a run and its corpus
Rows = Mapping[str, Row]  # by configuration or corpus

INPUTS = ("corpora", "backbone")  # stages whose outs are the inputs of all runs
CODE = ("pipeline/", "stages/")  # folders that contain code
RESAMPLES = 5_000
CONFIDENCE = 0.95
SEED = 11711

SAME = "same predictions"
OTHER_DEV_SET = "other dev set"


@dataclass(frozen=True)
class Side:
    """A revision's results."""

    name: str  # as the user wrote it
    params: Mapping[str, Any]  # by dotted key; those of the active profile start with `(profile)`
    configurations: Rows
    made_of: Mapping[str, str]  # hashes of the code and of the runs' inputs, by path
    scores: Mapping[str, str]  # hash of each run's scores file
    fetch: Fetch

    def called(self, name: str) -> dict[CorpusName, str]:
        """Return the runs, by corpus, that the name of a run or configuration refers to."""
        rows = sorted(self.configurations.items())
        return {corpus: run for row, (run, corpus) in rows if name in (row, run)}


@dataclass(frozen=True)
class Compared:
    """The scores of one run from each side on the same corpus."""

    name: str
    corpus: CorpusName
    num_examples: int
    first: Score
    second: Score
    difference: Difference | None
    note: str  # why the difference was not tested, or ""


Asked = tuple[str, CorpusName, str, str]  # row name, corpus, first run, second run


def read_side(name: str, fetch: Fetch) -> Side:
    """Read the params, code and inputs behind a revision's results.

    Raises:
        RevisionError: the revision has no dvc.lock.
        ReportError: its dvc.lock is damaged, or the pipeline did not finish.
    """
    try:
        stages = read_lock(fetch(paths.DVC_LOCK))
        locked = stages["report"].params[str(paths.PARAMS)]
        rows = {key: (row["run"], row["corpus"]) for key, row in locked["configurations"].items()}
        runs = sorted({run for run, _ in rows.values()})
        # ignore stages of removed runs, which dvc.lock still lists
        kinds = (*INPUTS, "tokens", "features")
        names = [f"{kind}@{run}" for kind in ("train", "evaluate") for run in runs]
        used = {k: s for k, s in stages.items() if k in names or k.partition("@")[0] in kinds}
        outs = {out.path: out.md5 for stage in used.values() for out in stage.outs}
        side = Side(
            name=name,
            params=_params(dict(_flat(locked)), used, name),
            configurations=rows,
            made_of=dict(_made_of(used)),
            scores={run: outs[paths.scores_json(run).as_posix()] for run in runs},
            fetch=fetch,
        )
        if rows:
            return side
    except (KeyError, TypeError, AttributeError, ValueError):
        pass
    raise ReportError(
        f"{paths.DVC_LOCK} of {name} describes no finished report; run `make repro` there"
    )


def _params(
    locked: Mapping[str, Any], used: Mapping[str, LockedStage], name: str
) -> dict[str, Any]:
    """Return all params; keys of the active profile start with `(profile)`."""
    found = dict(locked)
    for stage in used.values():
        for key, value in _flat(stage.params.get(str(paths.PARAMS), {})):
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
    """Flatten nested mappings: yield the dotted key and the value of each leaf."""
    if not isinstance(value, Mapping):
        yield prefix.removesuffix("."), value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{prefix}{key}.")


def _made_of(used: Mapping[str, LockedStage]) -> Iterator[tuple[str, str]]:
    for name, stage in used.items():
        yield from ((dep.path, dep.md5) for dep in stage.deps if dep.path.startswith(CODE))
        if name in INPUTS:
            yield from ((out.path, out.md5) for out in stage.outs)


def runs_of(side: Side, names: str) -> Rows | None:
    """Parse comma-separated names of runs or configurations; return None if one is neither.

    Returns:
        The rows by corpus, in the order of `CORPORA`.

    Raises:
        ReportError: two of the names share a corpus.
    """
    found: dict[str, Row] = {}
    for name in _split(names):
        called = side.called(name)
        if not called:
            return None
        for corpus, run in called.items():
            if corpus in found:
                raise ReportError(f"{names}: both {found[corpus][0]} and {run} are of {corpus}")
            found[corpus] = run, corpus
    return {corpus: found[corpus] for corpus in CORPORA if corpus in found}


def check_names(side: Side, *names: str) -> None:
    """Reject names that look like runs of this side but cannot be compared as runs.

    Raises:
        ReportError: a name is a run without a configuration, or only some of the names are runs.
    """
    each = _split(",".join(names))
    runs = [name for name in each if side.called(name)]
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


def asked_of(first: Rows, second: Rows, names: Sequence[str]) -> list[Asked]:
    """Pair the rows that two sides share: by configuration for revisions, by corpus for runs.

    Raises:
        ReportError: the sides share no row.
    """
    asked = [
        (name, corpus, run, second[name][0])
        for name, (run, corpus) in first.items()
        if name in second and second[name][1] == corpus
    ]
    if not asked:
        raise ReportError(
            f"nothing in common to compare: {names[0]} has {', '.join(first)}; "
            f"{names[1]} has {', '.join(second)}"
        )
    return asked


def compared_row(
    first: Side, second: Side, name: str, corpus: CorpusName, run: str, other_run: str
) -> Compared:
    """Score one run from each side and test the difference if both used the same dev set.

    Raises:
        ReportError, RevisionError: a side's files are missing or do not match its dvc.lock.
    """
    metric = CORPORA[corpus].task.metric
    examples, predictions = _answers(first, run, corpus)
    others, other_predictions = _answers(second, other_run, corpus)
    labels = examples["label"].to_numpy()
    score = METRICS[metric](predictions, labels)
    note, difference = "", None
    if not examples.equals(others):
        note = OTHER_DEV_SET
    elif score.value is not None and np.array_equal(predictions, other_predictions):
        note = SAME
    else:
        pair = predictions, other_predictions
        difference = paired_bootstrap(
            metric, pair, labels, resamples=RESAMPLES, confidence=CONFIDENCE, seed=SEED
        )
    second_score = METRICS[metric](other_predictions, others["label"].to_numpy())
    return Compared(name, corpus, len(labels), score, second_score, difference, note)


def _answers(side: Side, run: str, corpus: CorpusName) -> tuple[pd.DataFrame, Values]:
    """Return the dev examples by id and a run's prediction for each (NaN if missing)."""
    with _fetched(side, paths.split_csv(paths.corpus_dir(corpus), "dev")) as file:
        examples = read_split(file, CORPORA[corpus]).set_index("id").sort_index()
    scores = paths.scores_json(run)
    if md5_of(side.fetch(scores)) != side.scores[run]:
        raise ReportError(
            f"{scores} is not the one in {paths.DVC_LOCK}; run `dvc checkout` or `make repro`"
        )
    with _fetched(side, paths.predictions_csv(run, corpus, "dev")) as file:
        ids, values = read_predictions(file, CORPORA[corpus])
    predictions = pd.Series(values, index=ids, dtype="float64").reindex(examples.index)
    return examples, np.asarray(predictions)


def devices(side: Side) -> list[str]:
    """Return the devices on which the runs were trained, each with its precision.

    Raises:
        RevisionError: a run's summary is missing.
        ReportError: a run's summary cannot be read.
    """
    found = set()
    for run in side.scores:
        with _fetched(side, paths.run_dir(run) / paths.RUN_SUMMARY) as file:
            found.add(RunSummary.read(file).trained_on)
    return sorted(found)


@contextmanager
def _fetched(side: Side, path: Path) -> Iterator[Path]:
    """Yield a side's file; errors show its path in the repository, not the path of a copy."""
    try:
        yield side.fetch(path)
    except (CorpusError, SchemaError, ValueError):
        raise ReportError(
            f"{path} of {side.name} is damaged, or another version of this project wrote it; run "
            "`make repro` on its params with this version"
        ) from None
