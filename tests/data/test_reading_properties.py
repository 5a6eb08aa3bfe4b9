"""Corpus files are read back unchanged, whatever their text."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA, Corpus
from pipeline.data.reading import frame_of, read_split, write_split

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ODD = st.sampled_from(["\r\n", "\r", "\n\n", '"', '""', ",", "\t", "\ufeff", "\u2028", "NA", " "])
TEXTS = st.lists(ODD | st.text(CHARACTERS, max_size=10), max_size=5).map("".join)


@st.composite
def frames_of(draw: st.DrawFn, corpus: Corpus) -> pd.DataFrame:
    label = st.integers(0, corpus.max_label) if corpus.has_classes else st.floats(0, 5)
    row = st.tuples(
        TEXTS,
        TEXTS,
        TEXTS if corpus.is_pair else st.just(""),
        label.map(float) | st.just(math.nan),
    )
    return frame_of(draw(st.lists(row, max_size=8)))


@given(st.sampled_from(list(CORPORA.values())), st.data())
def test_a_written_split_is_read_back_unchanged(corpus: Corpus, data: st.DataObject) -> None:
    frame = data.draw(frames_of(corpus))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        write_split(path, frame, corpus)
        pd.testing.assert_frame_equal(read_split(path, corpus), frame, check_exact=True)
        once = path.read_bytes()
        write_split(path, read_split(path, corpus), corpus)
        assert path.read_bytes() == once
