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


def line_of(pretrain: Mapping[str, Any], finetune: Mapping[str, Any]) -> str:
    cells = [CORPORA[pretrain["corpus"]].task.title, CORPORA[pretrain["corpus"]].title]
    for row in (pretrain, finetune):
        cells.append(f"{row['paper_score']:.3f}")
        cells.append("undefined" if row["score"] is None else f"{row['score']:.3f}")
    cells.insert(2, pretrain["scheme"])
    return f"| {' | '.join(cells)} |"


def test_the_opening_table_has_the_papers_rows_with_both_scores() -> None:
    opening = README.split("## ", 1)[0]
    lines = [line for line in opening.splitlines() if line.startswith(("| SST", "| PARA", "| STS"))]
    rows = {
        (row["corpus"], row["scheme"], row["mode"]): row
        for row in ROWS
        if row["paper_score"] is not None
    }
    assert len(rows) == len(TABLE_3) == 2 * len(lines)
    pairs = [
        (row, rows[c, s, "finetune"]) for (c, s, mode), row in rows.items() if mode == "pretrain"
    ]
    assert lines == [line_of(*pair) for pair in pairs]


def test_it_is_short() -> None:
    assert len(README.split()) <= 900


def test_the_opening_names_what_the_scores_stand_on() -> None:
    opening = README.split("## ", 1)[0]
    for fact in ("all-MiniLM-L6-v2", "bert-base-uncased", "16,170", "141,506", "seed 11711"):
        assert fact in opening
