"""The token cache returns the tokenizer's ids for any text."""

import math
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.core.tasks import CORPORA, Corpus
from pipeline.core.tokenizer import load_tokenizer
from pipeline.data.reading import frame_of
from pipeline.tokens.token_cache import read_cache, write_cache

loaded = cache(load_tokenizer)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# repeated, because small arrays are read and not memory-mapped
TEXTS = st.builds(
    lambda text, times: text * times,
    st.text(CHARACTERS, max_size=30) | st.sampled_from(["[PAD]", "[SEP] a [CLS]", "word "]),
    st.sampled_from([1, 1, 40]),
)


@st.composite
def frames_of(draw: st.DrawFn, corpus: Corpus) -> pd.DataFrame:
    ids = draw(st.lists(st.text(CHARACTERS, max_size=8), unique=True, max_size=6))
    labels = st.integers(0, corpus.max_label).map(float) | st.just(math.nan)
    second = TEXTS if corpus.is_pair else st.just("")
    return frame_of([(key, draw(TEXTS), draw(second), draw(labels)) for key in ids])


def ids_of(tokenizer: Tokenizer, text: str, max_length: int) -> list[int]:
    """Return the ids of a single text; a long one loses its end but keeps [SEP]."""
    tokenizer.no_truncation()
    ids: list[int] = tokenizer.encode(text).ids
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


@given(st.data(), st.sampled_from(list(CORPORA.values())), st.integers(3, 512))
def test_the_cache_returns_the_tokenizers_ids(
    minilm_dir: Path, data: st.DataObject, corpus: Corpus, max_length: int
) -> None:
    path = minilm_dir / "tokenizer.json"
    frame = data.draw(frames_of(corpus))
    with TemporaryDirectory() as folder:
        truncated = write_cache({"dev": frame}, corpus, path, max_length, Path(folder))
        split, tokenizer = read_cache(Path(folder), "dev"), loaded(path)
        texts = frame[["first", "second"][: corpus.task.num_sentences]].to_numpy().tolist()
        expected = [[ids_of(tokenizer, t, max_length) for t in row] for row in texts]
        found = [[s.tolist() for s in split.sentences(i)] for i in range(len(split))]
        assert found == expected
        assert split.lengths.tolist() == [max(map(len, row)) for row in expected]
        assert split.example_ids.tolist() == frame["id"].tolist()
        np.testing.assert_array_equal(split.labels, frame["label"].astype("float32"))
        assert (split.corpus, split.max_length) == (corpus, max_length)
        whole = [tokenizer.encode(text) for row in texts for text in row]
        assert truncated == {"dev": sum(len(encoding) > max_length for encoding in whole)}
