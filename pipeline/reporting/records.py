"""What the pages of a report are rendered from: `reports/<profile>/records/`.

The folder is laid out like `data/` and holds what a run left there, without weights and corpora; in
params.json and trials.json it has the params and trials in force, in texts.json the sentences that
pages quote. Sentences are quoted of generated corpora alone: the real ones have licences.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from pipeline.core import paths
from pipeline.core.record import Record, RecordError
from pipeline.core.records import RecordedParams, RecordedTrials
from pipeline.core.tasks import CORPORA, CorpusName, Split
from pipeline.errors import CorpusError, ParamsError, ReportError
from pipeline.evaluation.course_format import read_predictions
from pipeline.plumbing.params import Params, checked
from pipeline.plumbing.trials import Trial, TrialsFile, check_trials

R = TypeVar("R", bound=Record)
ID = re.compile(r"[^\s,]+")


@dataclass(frozen=True)
class Records:
    """A folder of records, or `data/` itself, and what to do about a file that is no good."""

    folder: Path
    called: Path  # what errors call the folder
    if_missing: str
    if_damaged: str
    if_older: str = ""  # or newer; "": what the schema says

    @contextmanager
    def file(self, path: Path) -> Iterator[Path]:
        """Lend a file by its path in `data/`; what is wrong with it becomes one sentence.

        Raises:
            ReportError: the file is missing, or what reads it finds it damaged.
        """
        name, file = self.name_of(path), self.folder / paths.recorded(path)
        try:
            file.stat()
            yield file
        except OSError:
            raise ReportError(f"{name} is missing; {self.if_missing}") from None
        except KeyError as error:
            raise ReportError(f"{name} says nothing of {error}; {self.if_damaged}") from None
        except RecordError as error:
            raise ReportError(f"{name} is damaged ({error}); {self.if_damaged}") from None
        except (ValueError, TypeError, AttributeError, csv.Error, CorpusError):
            raise ReportError(f"{name} is damaged; {self.if_damaged}") from None

    def read(self, path: Path, kind: type[R]) -> R:
        """Read the record in a JSON file.

        Raises:
            ReportError: the file is missing or damaged.
            SchemaError: another version wrote the file.
        """
        with self.file(path) as file:
            return kind.read(file, self.name_of(path), self.if_older)

    def name_of(self, path: Path) -> Path:
        """Return what the user knows a file by."""
        return self.called / paths.recorded(path)


def records_in_data(folder: Path = paths.DATA) -> Records:
    """Return `data/` as records, or a folder of what was just copied from there."""
    return Records(
        folder,
        called=paths.DATA,
        if_missing="run `dvc repro`",
        if_damaged="delete it and run `dvc repro`",
    )


def records_of(profile: str) -> Records:
    """Return the records of a profile's report."""
    folder = paths.records_dir(paths.report_dir(profile))
    command = f"`make repro PROFILE={profile}`"
    remedy = f"`git checkout {folder}` or {command} brings it back"
    return Records(folder, folder, remedy, remedy, if_older=f"{command} writes it anew")


def read_params(records: Records) -> Params:
    """Read the params that were in force.

    Raises:
        ReportError: they are missing, damaged, or do not fit this version.
        SchemaError: another version wrote them.
    """
    content = records.read(paths.RECORDED_PARAMS, RecordedParams).params
    with _fitting(records, paths.RECORDED_PARAMS):
        return checked(Params, content, "params")


def read_trials(records: Records, params: Params) -> dict[str, Trial]:
    """Read the trials that were in force.

    Raises:
        ReportError, SchemaError: as for `read_params`.
    """
    content = records.read(paths.RECORDED_TRIALS, RecordedTrials).model_dump()
    with _fitting(records, paths.RECORDED_TRIALS):
        trials = checked(TrialsFile, content, "trials").trials
        check_trials(params, trials, "trials do not fit the params")
        return trials


@contextmanager
def _fitting(records: Records, path: Path) -> Iterator[None]:
    """Turn a ParamsError about a record into one sentence."""
    try:
        yield
    except ParamsError as error:
        problem = str(error).splitlines()[-1].strip()
        raise ReportError(
            f"{records.name_of(path)} does not fit this version of the project ({problem}); "
            f"{records.if_older or records.if_damaged}"
        ) from None


def read_predicted(
    records: Records, run: str, corpus: CorpusName, split: Split = "dev"
) -> "pd.Series[float]":
    """Read a run's predictions by id; those that are no numbers are missing.

    Raises:
        ReportError: the file is missing or damaged. An id is one word, which a sentence is not.
    """
    with records.file(paths.predictions_csv(run, corpus, split)) as file:
        ids, values = read_predictions(file, CORPORA[corpus])
        if len(set(ids)) < len(ids) or not all(ID.fullmatch(id_) for id_ in ids):
            raise ValueError(f"{file} has an id twice, or one of several words")
        return pd.Series(values, index=ids, dtype="float64")
