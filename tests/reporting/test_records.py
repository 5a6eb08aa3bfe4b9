"""Records: one sentence for a file that is missing, damaged or of another version."""

import json
import re
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.errors import CorpusError, PipelineError, ReportError, SchemaError
from pipeline.params import Params
from pipeline.reporting.gathering import gather
from pipeline.reporting.records import (
    Records,
    read_params,
    read_trials,
    records_in_data,
    records_of,
)
from pipeline.schemas import EVALUATE

SCORES = paths.scores_json("sst-pretrain")
FOLDER = Path("reports/demo/records")
BACK = "`git checkout reports/demo/records` or `make repro PROFILE=demo` brings it back"


def read(records: Records, content: str | None) -> None:
    """Read `corpora` of scores that say something, or are not there."""
    path = records.folder / paths.recorded(SCORES)
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    with records.record(SCORES, EVALUATE) as told:
        told["corpora"]


@pytest.mark.parametrize(
    ("content", "kind", "of_data", "of_report"),
    [
        (None, ReportError, "is missing; run `dvc repro`", f"is missing; {BACK}"),
        ("{", ReportError, "is damaged; delete it and run `dvc repro`", f"is damaged; {BACK}"),
        ("[]", ReportError, "is damaged; delete it and run `dvc repro`", f"is damaged; {BACK}"),
        (
            '{"schema": "evaluate/2"}',
            ReportError,
            "says nothing of 'corpora'; delete it and run `dvc repro`",
            f"says nothing of 'corpora'; {BACK}",
        ),
        (
            '{"schema": "evaluate/0"}',
            SchemaError,
            "was written by another version of this project: its schema is evaluate/0, this one "
            "reads evaluate/2; run `dvc repro`, and `dvc repro -f evaluate` if nothing runs then",
            "was written by another version of this project: its schema is evaluate/0, this one "
            "reads evaluate/2; `make repro PROFILE=demo` writes it anew",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name_and_what_to_do(
    content: str | None,
    kind: type[PipelineError],
    of_data: str,
    of_report: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=f"^{re.escape(f'{SCORES} {of_data}')}$"):
        read(records_in_data(), content)
    with pytest.raises(kind, match=f"^{FOLDER}/scores/sst-pretrain.json {re.escape(of_report)}$"):
        read(records_of("demo"), content)


def test_a_copy_of_data_is_called_what_it_was_copied_from(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=f"^{SCORES} is missing"):
        read(records_in_data(tmp_path), None)


def test_a_file_that_its_reader_refuses_is_damaged(tmp_path: Path) -> None:
    records = records_in_data(tmp_path)
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(ReportError, match=r"^data/a\.csv is damaged"), records.file(Path("a.csv")):
        raise CorpusError("line 1")


def written(params: Params) -> Records:
    gather(params, {}, FOLDER)
    return records_of("demo")


def test_params_of_another_version_are_told_in_one_sentence(params: Params) -> None:
    records = written(params)
    path = FOLDER / "params.json"
    told = json.loads(path.read_text())
    del told["params"]["runs"]["sst-pretrain"]["dropout"]
    path.write_text(json.dumps(told))
    with pytest.raises(ReportError) as raised:
        read_params(records)
    assert str(raised.value) == (
        f"{path} does not fit this version of the project (runs.sst-pretrain.dropout: Field "
        "required); `make repro PROFILE=demo` writes it anew"
    )


def test_trials_that_do_not_fit_the_params_are_refused(params: Params) -> None:
    records = written(params)
    path = FOLDER / "trials.json"
    trial = {"run": "none", "mode": "pretrain", "seed": 1, "changes": {}}
    path.write_text(json.dumps({"schema": "report/1", "trials": {"none-seed1": trial}}))
    with pytest.raises(ReportError, match=rf"^{path} does not fit .*names no run \('none'\)"):
        read_trials(records, params)


def test_a_file_of_params_that_says_nothing_of_them_is_refused(params: Params) -> None:
    records = written(params)
    (FOLDER / "params.json").write_text('{"schema": "report/1"}')
    (FOLDER / "trials.json").write_text('{"schema": "report/1"}')
    with pytest.raises(ReportError, match=rf"^{FOLDER}/params\.json says nothing of 'params'"):
        read_params(records)
    with pytest.raises(ReportError, match=rf"^{FOLDER}/trials\.json says nothing of 'trials'"):
        read_trials(records, params)
