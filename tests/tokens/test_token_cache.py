"""The token cache: what goes in comes out, from disk, and a damaged one is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import CorpusError, SchemaError
from pipeline.tasks import CORPORA, Corpus, Split
from pipeline.tokens.token_cache import read_cache, read_caches, write_cache

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


def test_pair_comes_back_as_its_two_sentences(cache: Path) -> None:
    dev = read_cache(cache, "dev")
    assert [s.tolist() for s in dev.sentences(0)] == [[101, 7592, 2088, 102], [101, 2088, 102]]
    assert [s.tolist() for s in dev.sentences(2)][1] == [101, 7592, 2088, 102]


def test_labels_and_ids_come_back_in_order(cache: Path) -> None:
    dev = read_cache(cache, "dev")
    assert dev.labels.tolist() == [0.0, 1.0, 2.0]
    assert dev.example_ids.tolist() == ["id-0", "id-1", "id-2"]
    assert np.isnan(read_cache(cache, "test").labels).all()


def test_length_of_an_example_is_that_of_its_longest_sentence(cache: Path) -> None:
    assert read_cache(cache, "dev").lengths.tolist() == [4, 5, 5]


def test_ids_of_a_large_split_stay_on_disk(cache: Path) -> None:
    assert isinstance(read_cache(cache, "train").input_ids, np.memmap)


def test_a_split_smaller_than_a_page_is_read_at_once(cache: Path) -> None:
    assert not isinstance(read_cache(cache, "dev").input_ids, np.memmap)


@pytest.mark.parametrize("count", [0, 3, 2000])
def test_types_are_the_same_for_every_size(count: int, tmp_path: Path, minilm_dir: Path) -> None:
    write_cache({"dev": frame(count, STS)}, STS, minilm_dir / "tokenizer.json", 512, tmp_path)
    dev = read_cache(tmp_path, "dev")
    numbers = (dev.input_ids, dev.offsets, dev.labels)
    assert [array.dtype for array in numbers] == [np.int32, np.int64, np.float32]
    assert dev.example_ids.dtype.kind == "U"


def test_cuts_are_counted_by_split(tmp_path: Path, minilm_dir: Path) -> None:
    sst = CORPORA["sst"]
    frames: dict[Split, pd.DataFrame] = {"train": frame(3, sst), "dev": frame(2, sst)}
    assert write_cache(frames, sst, minilm_dir / "tokenizer.json", 4, tmp_path) == {
        "train": 1,
        "dev": 0,
    }


def test_a_cache_says_what_it_was_made_of(cache: Path) -> None:
    assert json.loads((cache / "cache.json").read_text()) == {
        "schema": "tokens/2",
        "corpus": "sts",
        "max_length": 512,
        "pad_id": 0,
        "examples": {"train": 2000, "dev": 3, "test": 2},
        "truncated_sentences": {"train": 0, "dev": 0, "test": 0},
    }


def test_empty_split_can_be_read(tmp_path: Path, minilm_dir: Path) -> None:
    frames: dict[Split, pd.DataFrame] = {s: frame(0, STS) for s in ("train", "dev", "test")}
    write_cache(frames, STS, minilm_dir / "tokenizer.json", 512, tmp_path)
    assert len(read_caches(tmp_path)["train"]) == 0
    assert read_cache(tmp_path, "test").lengths.tolist() == []


def test_same_text_gives_same_bytes(tmp_path: Path, minilm_dir: Path) -> None:
    frames: dict[Split, pd.DataFrame] = {"train": frame(5, STS)}
    for name in ("a", "b"):
        write_cache(frames, STS, minilm_dir / "tokenizer.json", 512, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["cache.json", "train-offsets.npy", "train-input-ids.npy"])
def test_missing_file_is_refused_with_what_to_do(cache: Path, name: str) -> None:
    (cache / name).unlink()
    with pytest.raises(CorpusError, match=r"token cache .*sts is missing or damaged.*dvc repro"):
        read_cache(cache, "train")


def test_cut_file_is_refused(cache: Path) -> None:
    path = cache / "train-input-ids.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorpusError, match="missing or damaged"):
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
