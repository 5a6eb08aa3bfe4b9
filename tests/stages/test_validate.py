"""Stage validate, on small generated corpora in a folder of its own."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.data.sources import write_corpora
from pipeline.errors import ValidationError
from pipeline.plumbing.params import load_params
from stages.validate import main

ROOT = Path(__file__).parents[2]
SIZES = "{train: 40, dev: 30, test: 10}"


@pytest.fixture(autouse=True)
def _corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with params.yaml and the corpora it asks for."""
    monkeypatch.chdir(tmp_path)
    text, count = re.subn(r"\{train: .*?\}", SIZES, (ROOT / paths.PARAMS).read_text())
    assert count == len(CORPORA)
    paths.PARAMS.write_text(text)
    params = load_params()
    write_corpora(params.active.corpora, params.seed, paths.CORPORA)


def change(name: str, split: str, column: str, value: str) -> str:
    """Change the third example and return its id."""
    path = paths.split_csv(paths.corpus_dir(name), split)
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    frame.loc[2, column] = value
    frame.to_csv(path, index=False)
    return str(frame.loc[2, "id"])


def test_generated_corpora_pass_and_what_was_found_is_written() -> None:
    main([])
    for name in CORPORA:
        found = json.loads(paths.validation_json(name).read_text(encoding="utf-8"))
        assert (found["corpus"], found["source"]) == (name, "synthetic")
        assert found["counts"] == {"train": 40, "dev": 30, "test": 10}
        assert {row["split"] for row in found["findings"]} == {"train", "dev", "test", "all"}


def test_a_critical_finding_stops_the_pipeline_after_everything_is_written() -> None:
    empty = change("sst", "train", "first", " ")
    label = change("quora", "dev", "label", "2")
    with pytest.raises(ValidationError) as stopped:
        main([])
    assert str(stopped.value).split("\n") == [
        "the corpora have 2 critical findings; nothing is trained on them until they are mended "
        "at their source:",
        "  sst train (data/corpora/sst/train.csv): The text must not be empty. "
        f"Found: 1 of 40 empty (id {empty}).",
        "  quora dev (data/corpora/quora/dev.csv): A label must be a whole number from 0 to 1. "
        f"Found: 1 of 30 with another label (id {label}).",
    ]
    assert sorted(path.name for path in paths.VALIDATION.iterdir()) == sorted(
        f"{name}.json" for name in CORPORA
    )
