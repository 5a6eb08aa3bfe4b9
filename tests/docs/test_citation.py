"""CITATION.cff names this version, and README's licences all that it cites."""

import tomllib
from pathlib import Path
from typing import Any

from pipeline.core.yaml12 import read_yaml
from pipeline.data.backbone import BACKBONES
from pipeline.data.sources import COMMIT, REPOSITORY

ROOT = Path(__file__).parents[2]
CITATION: dict[str, Any] = read_yaml(ROOT / "CITATION.cff")
REFERENCES = CITATION["references"]


def test_it_cites_this_version_under_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (CITATION["title"], CITATION["version"]) == (project["name"], project["version"])
    assert CITATION["license"] in (ROOT / "LICENSE").read_text()


def test_it_names_the_pinned_sources_of_corpora_and_weights() -> None:
    (splits,) = (r for r in REFERENCES if "repository-code" in r)
    assert splits["repository-code"].endswith(REPOSITORY)
    assert splits["commit"] == COMMIT
    notes = " ".join(r["notes"] for r in REFERENCES)
    for name in ("SST", "CFIMDB", "Quora", "STS", *BACKBONES):
        assert name in notes


def test_the_readme_names_every_reference() -> None:
    cite = (ROOT / "README.md").read_text().partition("## Cite")[2]
    for reference in REFERENCES:
        author = reference["authors"][0]
        assert author.get("family-names", REPOSITORY) in cite
