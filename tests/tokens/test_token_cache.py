"""The token cache: what goes in comes out, from disk, and a damaged one is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.core.tasks import CORPORA, Corpus, Split
from pipeline.errors import CorpusError, SchemaError
from pipeline.tokens.token_cache import read_cache, write_cache

STS = CORPORA["sts"]


def frame(count: int, corpus: Corpus) -> pd.DataFrame:
    words = ["hello world", "world", "hello hello hello"]
    return pd.DataFrame(
        {
            "id": [f"id-{i}" for i in range(count)],
            "first": [words[i % 3] for i in range(count)],
            "second": [words[(i + 1) % 3] if corpus.is_pair else "" for i in range(count)],
            "label": [float(i % (corpus.max_label + 1)) for i in range(count)],
        }
    )


@pytest.fixture
def cache(tmp_path: Path, minilm_dir: Path) -> Path:
    unlabelled = frame(2, STS).assign(label=math.nan)
    frames: dict[Split, pd.DataFrame] = {
        "train": frame(2000, STS),
        "dev": frame(3, STS),
        "test": unlabelled,
    }
    write_cache(frames, STS, minilm_dir / "tokenizer.json", 512, tmp_path / "sts")
    return tmp_path / "sts"


@pytest.mark.parametrize("count", [0, 3, 2000])
def test_types_are_the_same_for_every_size(count: int, tmp_path: Path, minilm_dir: Path) -> None:
    write_cache({"dev": frame(count, STS)}, STS, minilm_dir / "tokenizer.json", 512, tmp_path)
    dev = read_cache(tmp_path, "dev")
    numbers = (dev.input_ids, dev.offsets, dev.labels)
    assert [array.dtype for array in numbers] == [np.int32, np.int64, np.float32]
    assert dev.example_ids.dtype.kind == "U"
    # a large one stays on disk, one smaller than a page is read at once
    assert isinstance(dev.input_ids, np.memmap) == (count == 2000)


def test_a_cache_says_what_it_was_made_of(cache: Path) -> None:
    assert json.loads((cache / "cache.json").read_text()) == {
        "schema": "tokens/2",
        "corpus": "sts",
        "max_length": 512,
        "pad_id": 0,
        "examples": {"train": 2000, "dev": 3, "test": 2},
        "truncated_sentences": {"train": 0, "dev": 0, "test": 0},
    }


def test_same_text_gives_same_bytes(tmp_path: Path, minilm_dir: Path) -> None:
    frames: dict[Split, pd.DataFrame] = {"train": frame(5, STS)}
    for name in ("a", "b"):
        write_cache(frames, STS, minilm_dir / "tokenizer.json", 512, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["cache.json", "train-offsets.npy", "train-input-ids.npy"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_missing_or_cut_file_is_refused_with_what_to_do(
    cache: Path, name: str, is_cut: bool
) -> None:
    content = (cache / name).read_bytes()
    (cache / name).unlink()
    if is_cut:
        (cache / name).write_bytes(content[:-100])
    with pytest.raises(CorpusError, match=r"token cache .*sts is missing or damaged.*dvc repro"):
        read_cache(cache, "train")


def test_other_version_is_refused(cache: Path) -> None:
    summary = json.loads((cache / "cache.json").read_text()) | {"schema": "tokens/1"}
    (cache / "cache.json").write_text(json.dumps(summary))
    with pytest.raises(SchemaError, match="its schema is tokens/1, this one reads tokens/2"):
        read_cache(cache, "train")


def test_a_failure_leaves_the_old_cache_whole(cache: Path, minilm_dir: Path) -> None:
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    bad = frame(2, STS).assign(label="none")
    frames: dict[Split, pd.DataFrame] = {"train": frame(5, STS), "dev": bad}
    with pytest.raises(ValueError, match="none"):
        write_cache(frames, STS, minilm_dir / "tokenizer.json", 512, cache)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before
    assert list(cache.parent.iterdir()) == [cache]
