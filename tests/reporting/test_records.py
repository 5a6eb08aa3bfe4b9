"""Records: one sentence for a file that is missing, damaged or from a different version."""

import json
import re
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.records import RunScores
from pipeline.errors import ReportError, SchemaError
from pipeline.plumbing.params import Params
from pipeline.reporting.gathering import gather
from pipeline.reporting.records import (
    Records,
    read_params,
    read_trials,
    records_in_data,
    records_of,
)

SCORES = paths.scores_json("sst-pretrain")
FOLDER = Path("reports/demo/records")
BACK = "`git checkout reports/demo/records` or `make repro PROFILE=demo` brings it back"
OLD = "was written by another version of this project: its schema is evaluate/0, this one reads "


def read(records: Records, content: str | None) -> None:
    """Read scores with this content, or scores that are missing."""
    path = records.folder / paths.recorded(SCORES)
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    records.read(SCORES, RunScores)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("content", "message", "of_data", "of_report"),
    [
        (None, "is missing; ", "run `dvc repro`", BACK),
        ("{", "is damaged; ", "delete it and run `dvc repro`", BACK),
        ("[]", "is damaged; ", "delete it and run `dvc repro`", BACK),
        (
            '{"schema": "evaluate/2"}',
            "is damaged (run: Field required); ",
            "delete it and run `dvc repro`",
            BACK,
        ),
        (
            '{"schema": "evaluate/0"}',
            f"{OLD}evaluate/2; ",
            "run `dvc repro`, and `dvc repro -f evaluate` if nothing runs then",
            "`make repro PROFILE=demo` writes it anew",
        ),
    ],
)
def test_a_bad_file_is_reported_with_its_name_and_a_remedy(
    content: str | None,
    message: str,
    of_data: str,
    of_report: str,
) -> None:
    recorded = FOLDER / "scores/sst-pretrain.json"
    for records, name, remedy in (
        (records_in_data(), SCORES, of_data),
        (records_in_data(Path("copy")), SCORES, of_data),  # errors name the original folder
        (records_of("demo"), recorded, of_report),
    ):
        wanted = re.escape(f"{name} {message}{remedy}")
        with pytest.raises((ReportError, SchemaError), match=f"^{wanted}$"):
            read(records, content)


def test_params_and_trials_of_another_version_are_rejected_in_one_sentence(params: Params) -> None:
    gather(params, {}, FOLDER)
    records = records_of("demo")
    in_force, trials = FOLDER / "params.json", FOLDER / "trials.json"
    content = json.loads(in_force.read_text())
    del content["params"]["runs"]["sst-pretrain"]["dropout"]
    in_force.write_text(json.dumps(content))
    with pytest.raises(ReportError) as raised:
        read_params(records)
    assert str(raised.value) == (
        f"{in_force} does not fit this version of the project (runs.sst-pretrain.dropout: Field "
        "required); `make repro PROFILE=demo` writes it anew"
    )
    trial = {"run": "none", "mode": "pretrain", "seed": 1, "changes": {}}
    trials.write_text(json.dumps({"schema": "report/1", "trials": {"none-seed1": trial}}))
    with pytest.raises(ReportError, match=rf"^{trials} does not fit .*unknown run 'none'"):
        read_trials(records, params)
    for path in (in_force, trials):
        path.write_text('{"schema": "report/1"}')
    with pytest.raises(ReportError, match=rf"^{in_force} is damaged \(params: Field required\)"):
        read_params(records)
    with pytest.raises(ReportError, match=rf"^{trials} is damaged \(trials: Field required\)"):
        read_trials(records, params)
