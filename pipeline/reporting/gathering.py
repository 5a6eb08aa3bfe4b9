"""What a run left in `data/`, gathered as the records of its report."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.corpora.reading import read_split
from pipeline.errors import ReportError
from pipeline.evaluation.course_format import read_predictions
from pipeline.files import replacing, write_record, write_text
from pipeline.params import Params
from pipeline.reporting.paired_rows import differences
from pipeline.reporting.records import Records, records_in_data
from pipeline.schemas import EVALUATE, REPORT, VALIDATE
from pipeline.tasks import CORPORA, CorpusName
from pipeline.trials import Trial

GENERATED = "synthetic"  # how validation calls the source of generated corpora
ID = re.compile(r"[^\s,]+")


def gather(params: Params, trials: Mapping[str, Trial], folder: Path) -> Records:
    """Write records of the profile in force into a new folder, and return them.

    Sentences of real corpora stay behind: their findings and mistakes are known by ids alone.

    Args:
        params: in force.
        trials: in force.
        folder: of the records.

    Raises:
        ReportError: something is missing or damaged.
        SchemaError: something was written by another version.
    """
    data = records_in_data()
    for path in _copied(params, trials):
        _copy(data, path, folder)
    for name, run in params.runs.items():
        for corpus in run.corpora:
            for split in ("dev", "test"):
                _check_predictions(data, paths.predictions_csv(name, corpus, split), corpus)
                _copy(data, paths.predictions_csv(name, corpus, split), folder)
    validations = {corpus: _validation(data, corpus) for corpus in CORPORA}
    for corpus, found in validations.items():
        write_record(folder / paths.recorded(paths.validation_json(corpus)), VALIDATE, found)
    texts = {
        corpus: _texts_of_mistakes(params, data, corpus)
        for corpus, found in validations.items()
        if found["source"] == GENERATED
    }
    write_record(folder / paths.RECORDED_TEXTS, REPORT, {"texts": texts})
    tested = differences(params, data)
    write_record(folder / paths.RECORDED_DIFFERENCES, REPORT, {"differences": tested})
    in_force = params.model_copy(update={"profiles": {params.profile: params.active}})
    told = {name: trial.model_dump(mode="json") for name, trial in trials.items()}
    _write_in_order(folder / paths.RECORDED_PARAMS, {"params": in_force.model_dump(mode="json")})
    _write_in_order(folder / paths.RECORDED_TRIALS, {"trials": told})
    return records_in_data(folder)


def _copied(params: Params, trials: Mapping[str, Trial]) -> Iterator[Path]:
    """Yield every file that goes into the records as it is, predictions aside."""
    for name in params.runs:
        yield paths.run_summary(paths.run_dir(name))
        yield paths.run_history(paths.run_dir(name))
        yield paths.scores_json(name)
        yield paths.inputs_json(name)
    for name in trials:
        yield paths.trial_scores(paths.trial_dir(name))


def _copy(data: Records, path: Path, folder: Path) -> None:
    with data.file(path) as file:
        content = file.read_bytes()
    with replacing(folder / paths.recorded(path)) as temporary:
        temporary.write_bytes(content)


def _check_predictions(data: Records, path: Path, corpus: CorpusName) -> None:
    """Let predictions through that hold ids and numbers; an id is one word, a sentence is not."""
    with data.file(path) as file:
        ids, _ = read_predictions(file, CORPORA[corpus])
        if not all(ID.fullmatch(id_) for id_ in ids):
            raise ValueError(f"{path} has an id of several words")


def _validation(data: Records, corpus: CorpusName) -> dict[str, Any]:
    """Read what validation found, without the sentences of a real corpus."""
    with data.record(paths.validation_json(corpus), VALIDATE) as found:
        if found["source"] != GENERATED:
            for finding in found["findings"]:
                for example in finding["examples"]:
                    example["text"] = ""
        return found


def _texts_of_mistakes(params: Params, data: Records, corpus: CorpusName) -> dict[str, str]:
    """Look up what the examples say that a run got wrong; pairs with a slash between them."""
    wanted: set[str] = set()
    for row in params.configurations.values():
        if row.corpus == corpus:
            with data.record(paths.scores_json(row.run), EVALUATE) as told:
                mistakes = told["corpora"][corpus]["analysis"]["mistakes"]
                wanted |= {mistake["id"] for mistake in mistakes}
    path = paths.split_csv(paths.corpus_dir(corpus), "dev")
    frame = read_split(path, CORPORA[corpus])
    rows = frame[frame["id"].isin(wanted)]
    unknown = wanted - set(rows["id"])
    if unknown:
        raise ReportError(
            f"{path} has no example {min(unknown)}, which was scored; run `dvc repro`"
        )
    pairs = rows["first"] + " / " + rows["second"] if CORPORA[corpus].is_pair else rows["first"]
    return dict(zip(rows["id"], pairs, strict=True))


def _write_in_order(path: Path, told: Mapping[str, Any]) -> None:
    """Write a record with its keys unsorted: the order of runs and of their corpora counts."""
    record = {"schema": str(REPORT), **told}
    write_text(path, json.dumps(record, indent=2, allow_nan=False) + "\n")
