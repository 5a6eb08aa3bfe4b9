"""`python -m pipeline rescore`: a table, a sentence, and status 1 if a score differs."""

import shutil
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from tests.reporting.conftest import ROOT, cells_of

RECORDS = paths.report_dir("demo") / paths.RECORDS
HEADER = ["row", "metric", "recorded", "found again", "difference"]


@pytest.fixture(autouse=True)
def _committed_records(three_files: Path) -> None:
    """Go to a copy of the committed report's records."""
    shutil.copytree(ROOT / RECORDS, RECORDS)


def spoil(path: Path) -> None:
    """Change the class of the first prediction."""
    first, line, *rest = path.read_text().split("\n")
    id_, _, label = line.partition(" , ")
    path.write_text("\n".join([first, f"{id_} , {(int(label) + 1) % 2} ", *rest]))


def test_reproduced_scores_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rescore"]) == 0
    header, _, *rows, last = capsys.readouterr().out.splitlines()
    assert cells_of([header]) == [HEADER]
    assert len(rows) == 14
    for _, _, recorded, found, _ in cells_of(rows):
        assert recorded == found
    assert last == "all 14 scores were reproduced"


def test_scores_that_differ_are_named_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    spoil(RECORDS / "predictions/cfimdb-pretrain/cfimdb-dev.csv")
    spoil(RECORDS / "predictions/multitask-finetune/quora-dev.csv")
    before = set(Path().rglob("*"))
    assert main(["rescore", "--profile", "demo"]) == 1
    assert set(Path().rglob("*")) == before
    captured = capsys.readouterr()
    names = "cfimdb-single-pretrain, quora-multitask-finetune"
    assert captured.err == f"2 of 14 scores could not be reproduced: {names}\n"
    row = next(line for line in captured.out.splitlines() if "cfimdb-single-p" in line)
    assert "1.6e-02 |" in row  # 1 of 64
