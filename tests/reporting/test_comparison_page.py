"""experiments_table: narrow, with a column for each key of the summary."""

import pytest
from rich.console import Console

from pipeline.plumbing.params import Params
from pipeline.reporting.comparison_page import SUMMARY, experiments_table
from pipeline.reporting.tables import summary
from tests.reporting.conftest import outcome_of

BASE = {"Experiment": None, "rev": "main", "State": None, "finetune": 0.7114, "seed": 1.0}
ROWS = [
    BASE | {"rev": "workspace"},
    BASE,
    BASE | {"Experiment": "hot", "seed": 20261125.0, "runs.sst-pretrain.dropout": 0.10000001},
    BASE | {"Experiment": "waits", "State": "Queued", "data/x": "of a file"},
]


def test_columns_are_the_keys_of_the_summary(params: Params) -> None:
    assert set(SUMMARY.values()) == set(summary(outcome_of(params).results))


def test_experiments_list_changed_params_but_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=120).print(experiments_table(ROWS))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(ROWS) + 1
    assert max(map(len, lines)) <= 120
    changes = [line[62:].strip() for line in lines[3:5]]
    assert changes == ["seed 1 -> 20261125", "runs.sst-pretrain.dropout none -> 0.10000001"]
    assert lines[-1].startswith("  waits (queued)    0.7114         -")
    assert "data/x" not in lines[-1]
