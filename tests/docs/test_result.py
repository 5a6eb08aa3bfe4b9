"""The table that README opens with says what the laptop run scored, and what the paper did."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.paper import TABLE_3
from pipeline.core.tasks import CORPORA

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = json.loads((ROOT / "reports/laptop/table3.json").read_text(encoding="utf-8"))


def row_of(row: Mapping[str, Any]) -> str:
    task = CORPORA[row["corpus"]].task.title
    ours = "undefined" if row["score"] is None else f"{row['score']:.3f}"
    cells = (task, CORPORA[row["corpus"]].title, row["scheme"], row["mode"])
    return f"| {' | '.join(cells)} | {row['paper_score']:.3f} | {ours} |"


def test_the_opening_table_has_the_papers_rows_with_both_scores() -> None:
    opening = README.split("## ", 1)[0]
    rows = [line for line in opening.splitlines() if line.startswith(("| SST", "| PARA", "| STS"))]
    assert rows == [row_of(row) for row in ROWS if row["paper_score"] is not None]
    assert len(rows) == len(TABLE_3)


def test_the_opening_names_what_the_scores_stand_on() -> None:
    opening = README.split("## ", 1)[0]
    for told in ("all-MiniLM-L6-v2", "bert-base-uncased", "16,170", "141,506", "seed 11711"):
        assert told in opening
