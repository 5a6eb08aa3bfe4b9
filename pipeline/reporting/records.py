"""Reads the records of a report, `reports/<profile>/records/`, from which its pages are rendered.

The folder has the layout of `data/` and contains the results without weights and corpora.
params.json and trials.json contain the params and trials. texts.json contains the sentences that
pages quote, all of them from generated corpora, because the real corpora are licensed.
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
    """A folder of records, or `data/` itself, and remedies for a missing or damaged file."""

    folder: Path
    called: Path  # the name of the folder in error messages
    if_missing: str
    if_damaged: str
    if_older: str = ""  # remedy for another version; "" means the schema's default

    @contextmanager
    def file(self, path: Path) -> Iterator[Path]:
        """Yield a file by its path in `data/`; report errors in one sentence.

        Raises:
            ReportError: the file is missing, or the code that reads it finds that it is damaged or
                does not fit this version.
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
        except ParamsError as error:
            problem = str(error).splitlines()[-1].strip()
            raise ReportError(
                f"{name} does not fit this version of the project ({problem}); "
                f"{self.if_older or self.if_damaged}"
            ) from None
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
        """Return the path of a file as error messages show it."""
        return self.called / paths.recorded(path)


def records_in_data(folder: Path = paths.DATA) -> Records:
    """Return `data/`, or a fresh copy of its records, as `Records`."""
    return Records(
        folder,
        called=paths.DATA,
        if_missing="run `dvc repro`",
        if_damaged="delete it and run `dvc repro`",
    )


def records_of(profile: str) -> Records:
    """Return the records of a profile's report."""
    folder = paths.report_dir(profile) / paths.RECORDS
    command = f"`make repro PROFILE={profile}`"
    remedy = f"`git checkout {folder}` or {command} brings it back"
    return Records(folder, folder, remedy, remedy, if_older=f"{command} writes it anew")


def read_params(records: Records) -> Params:
    """Read the recorded params.

    Raises:
        ReportError: the params are missing, damaged, or do not fit this version.
        SchemaError: another version wrote the params.
    """
    content = records.read(paths.RECORDED_PARAMS, RecordedParams).params
    with records.file(paths.RECORDED_PARAMS):
        return checked(Params, content, "params")


def read_trials(records: Records, params: Params) -> dict[str, Trial]:
    """Read the recorded trials.

    Raises:
        ReportError, SchemaError: as for `read_params`.
    """
    content = records.read(paths.RECORDED_TRIALS, RecordedTrials).model_dump()
    with records.file(paths.RECORDED_TRIALS):
        trials = checked(TrialsFile, content, "trials").trials
        check_trials(params, trials, "trials do not fit the params")
        return trials


def read_predicted(
    records: Records, run: str, corpus: CorpusName, split: Split = "dev"
) -> "pd.Series[float]":
    """Read a run's predictions by id, and leave out those that are not numbers.

    Raises:
        ReportError: the file is missing or damaged, or an id has several words, as a sentence does.
    """
    with records.file(paths.predictions_csv(run, corpus, split)) as file:
        ids, values = read_predictions(file, CORPORA[corpus])
        if len(set(ids)) < len(ids) or not all(ID.fullmatch(id_) for id_ in ids):
            raise ValueError(f"{file} has an id twice, or one of several words")
        return pd.Series(values, index=ids, dtype="float64")
