"""The token cache, whatever the text: what is read back is what the tokenizer says."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.core.tasks import CORPORA, SPLITS, Corpus, Split
from pipeline.core.tokenizer import load_tokenizer
from pipeline.tokens.token_cache import read_cache, write_cache

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# repeated, lest every array be small enough to be read and none mapped
TEXTS = st.builds(
    lambda text, times: text * times,
    st.text(CHARACTERS, max_size=30) | st.sampled_from(["[PAD]", "[SEP] a [CLS]", "word "]),
    st.sampled_from([1, 1, 40]),
)


@pytest.fixture(scope="session")
def tokenizer(minilm_dir: Path) -> Tokenizer:
    return load_tokenizer(minilm_dir / "tokenizer.json")


@st.composite
def frames_of(draw: st.DrawFn, corpus: Corpus) -> pd.DataFrame:
    ids = draw(st.lists(st.text(CHARACTERS, max_size=8), unique=True, max_size=6))
    labels = st.integers(0, corpus.max_label) | st.just(math.nan)
    return pd.DataFrame(
        {
            "id": ids,
            "first": [draw(TEXTS) for _ in ids],
            "second": [draw(TEXTS) if corpus.is_pair else "" for _ in ids],
            "label": [float(draw(labels)) for _ in ids],
        }
    ).astype({"label": "float64"})


def ids_of(tokenizer: Tokenizer, text: str, max_length: int) -> list[int]:
    """Say one text's ids the plain way, by itself: a long one loses its end but keeps [SEP]."""
    tokenizer.no_truncation()
    ids: list[int] = tokenizer.encode(text).ids
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


@given(st.data(), st.sampled_from(list(CORPORA.values())), st.integers(3, 512))
def test_what_is_read_is_what_the_tokenizer_says(
    minilm_dir: Path, tokenizer: Tokenizer, data: st.DataObject, corpus: Corpus, max_length: int
) -> None:
    frames: dict[Split, pd.DataFrame] = {split: data.draw(frames_of(corpus)) for split in SPLITS}
    with TemporaryDirectory() as folder:
        truncated = write_cache(
            frames, corpus, minilm_dir / "tokenizer.json", max_length, Path(folder)
        )
        splits = {split: read_cache(Path(folder), split) for split in SPLITS}
        columns = ["first", "second"][: corpus.task.num_sentences]
        for name, frame in frames.items():
            split, texts = splits[name], frame[columns].to_numpy().tolist()
            expected = [[ids_of(tokenizer, t, max_length) for t in row] for row in texts]
            found = [[s.tolist() for s in split.sentences(i)] for i in range(len(split))]
            assert found == expected
            assert split.lengths.tolist() == [max(map(len, row)) for row in expected]
            assert split.example_ids.tolist() == frame["id"].tolist()
            np.testing.assert_array_equal(split.labels, frame["label"].astype("float32"))
            assert (split.corpus, split.pad_id) == (corpus, tokenizer.token_to_id("[PAD]"))
            whole = [tokenizer.encode(text) for row in texts for text in row]
            assert truncated[name] == sum(len(encoding) > max_length for encoding in whole)
