"""README: its table has the scores of profile laptop and the paper; it names all references."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from pipeline.core.paper import TABLE_3
from pipeline.core.tasks import CORPORA
from pipeline.core.yaml12 import read_yaml
from pipeline.data.backbone import BACKBONES
from pipeline.data.sources import COMMIT, REPOSITORY
from tests.params import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
OPENING = README.split("## ", 1)[0]
ROWS = json.loads((ROOT / "reports/laptop/table3.json").read_text(encoding="utf-8"))
CITATION: dict[str, Any] = read_yaml(ROOT / "CITATION.cff")
REFERENCES = CITATION["references"]


def line_of(pretrain: Mapping[str, Any], finetune: Mapping[str, Any]) -> str:
    cells = [CORPORA[pretrain["corpus"]].task.title, CORPORA[pretrain["corpus"]].title]
    for row in (pretrain, finetune):
        cells.append(f"{row['paper_score']:.3f}")
        cells.append("undefined" if row["score"] is None else f"{row['score']:.3f}")
    cells.insert(2, pretrain["scheme"])
    return f"| {' | '.join(cells)} |"


def test_the_first_table_has_the_papers_rows_with_both_scores() -> None:
    lines = [line for line in OPENING.splitlines() if line.startswith(("| SST", "| PARA", "| STS"))]
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


def test_the_introduction_names_the_settings_behind_the_scores() -> None:
    for fact in ("all-MiniLM-L6-v2", "bert-base-uncased", "16,170", "141,506", "seed 11711"):
        assert fact in OPENING


def test_the_citation_has_the_current_version_and_license() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (CITATION["title"], CITATION["version"]) == (project["name"], project["version"])
    assert CITATION["license"] in (ROOT / "LICENSE").read_text()


def test_the_citation_names_the_pinned_sources_of_corpora_and_weights() -> None:
    (splits,) = (r for r in REFERENCES if "repository-code" in r)
    assert splits["repository-code"].endswith(REPOSITORY)
    assert splits["commit"] == COMMIT
    notes = " ".join(r["notes"] for r in REFERENCES)
    for name in ("SST", "CFIMDB", "Quora", "STS", *BACKBONES):
        assert name in notes


def test_the_readme_names_every_reference() -> None:
    cite = README.partition("## Cite")[2]
    for reference in REFERENCES:
        author = reference["authors"][0]
        assert author.get("family-names", REPOSITORY) in cite
