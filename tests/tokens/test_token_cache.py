"""The token cache: complete or absent, and a damaged one is rejected.

test_token_cache_properties.py tests that the content is read back.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.core.tasks import CORPORA, Split
from pipeline.data.reading import frame_of
from pipeline.errors import CorpusError, SchemaError
from pipeline.tokens.token_cache import read_cache, write_cache

STS = CORPORA["sts"]


def frame(count: int) -> pd.DataFrame:
    return frame_of([(f"id-{i}", "hello " * (1 + i % 3), "world", 2.5) for i in range(count)])


@pytest.fixture
def tokenizer(minilm_dir: Path) -> Path:
    return minilm_dir / "tokenizer.json"


@pytest.fixture
def cache(tmp_path: Path, tokenizer: Path) -> Path:
    frames: dict[Split, pd.DataFrame] = {"train": frame(2000), "dev": frame(3), "test": frame(0)}
    write_cache(frames, STS, tokenizer, 512, tmp_path / "sts")
    return tmp_path / "sts"


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_types_are_the_same_for_every_size(cache: Path, split: Split) -> None:
    read = read_cache(cache, split)
    numbers = (read.input_ids, read.offsets, read.labels)
    assert [array.dtype for array in numbers] == [np.int32, np.int64, np.float32]
    assert read.example_ids.dtype.kind == "U"
    # a large array stays on disk; one smaller than a page is read at once
    assert isinstance(read.input_ids, np.memmap) == (split == "train")


def test_a_cache_records_its_inputs_and_has_repeatable_bytes(
    cache: Path, tokenizer: Path, tmp_path: Path
) -> None:
    assert json.loads((cache / "cache.json").read_text()) == {
        "schema": "tokens/2",
        "corpus": "sts",
        "max_length": 512,
        "pad_id": 0,
        "examples": {"train": 2000, "dev": 3, "test": 0},
        "truncated_sentences": {"train": 0, "dev": 0, "test": 0},
    }
    write_cache({"train": frame(2000)}, STS, tokenizer, 512, tmp_path / "again")
    for path in (tmp_path / "again").glob("*.npy"):
        assert path.read_bytes() == (cache / path.name).read_bytes()


def test_padding_has_the_id_that_the_tokenizer_gives_it(tokenizer: Path, tmp_path: Path) -> None:
    """It is 0 in BERT's own vocabularies, but a user's tokenizer may have [PAD] elsewhere."""
    words = json.loads(tokenizer.read_text())
    vocabulary, pad = words["model"]["vocab"], words["added_tokens"][0]
    vocabulary["[PAD]"], vocabulary["[unused5]"] = vocabulary["[unused5]"], 0
    pad["id"] = vocabulary["[PAD]"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(words))
    write_cache({"train": frame(3)}, STS, tmp_path / "tokenizer.json", 512, tmp_path / "sts")
    assert read_cache(tmp_path / "sts", "train").pad_id == vocabulary["[PAD]"] != 0


@pytest.mark.parametrize("name", ["cache.json", "train-offsets.npy", "train-input-ids.npy"])
def test_a_truncated_or_missing_file_is_rejected_with_a_remedy(cache: Path, name: str) -> None:
    message = r"token cache .*sts is missing or damaged.*dvc repro"
    (cache / name).write_bytes((cache / name).read_bytes()[:-100])
    with pytest.raises(CorpusError, match=message):
        read_cache(cache, "train")
    (cache / name).unlink()
    with pytest.raises(CorpusError, match=message):
        read_cache(cache, "train")


def test_a_different_version_is_rejected(cache: Path) -> None:
    summary = json.loads((cache / "cache.json").read_text()) | {"schema": "tokens/1"}
    (cache / "cache.json").write_text(json.dumps(summary))
    with pytest.raises(SchemaError, match="its schema is tokens/1, this one reads tokens/2"):
        read_cache(cache, "train")
