"""experiments_table: narrow, and true to the summary's keys."""

from pipeline.plumbing.params import Params
from pipeline.reporting.comparison_page import SUMMARY, experiments_table
from pipeline.reporting.tables import summary
from tests.reporting.conftest import outcome_of

BASE = {"Experiment": None, "rev": "main", "State": None, "finetune": 0.7114, "seed": 1.0}
ROWS = [
    BASE | {"rev": "workspace"},
    BASE,
    BASE | {"Experiment": "hot", "rev": "1", "seed": 2.0, "runs.sst-pretrain.dropout": 0.5},
    BASE | {"Experiment": "waits", "rev": "2", "State": "Queued", "data/x": "of a file"},
]


def test_columns_are_the_keys_of_the_summary(params: Params) -> None:
    assert set(SUMMARY.values()) == set(summary(outcome_of(params).results))


def test_every_experiment_says_what_it_changed_and_no_file() -> None:
    page = experiments_table(ROWS, 120)
    assert max(len(line) for line in page.splitlines()) <= 120
    assert "seed 1 -> 2" in page
    assert "runs.sst-pretrain.dropout none -> 0.5" in page
    assert "waits (queued)" in page
    assert "data/x" not in page


def test_a_small_change_is_seen() -> None:
    rows = [BASE, BASE | {"Experiment": "a", "seed": 20261125.0, "runs.a.rate": 0.10000001}]
    page = experiments_table(rows, 120)
    assert "seed 1 -> 20261125" in page
    assert "runs.a.rate none -> 0.10000001" in page
