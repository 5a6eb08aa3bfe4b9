"""Computes statistics of words, labels and duplicate texts in a corpus, without judging them.

Comparisons of texts ignore case, extra spaces and the order of the sentences in a pair.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.core.records import Lengths
from pipeline.core.tasks import Corpus, Split
from pipeline.data.carving import normalized
from pipeline.data.reading import NUMBER

SIDES = ("first_key", "second_key")


def measured(frames: Mapping[Split, pd.DataFrame], corpus: Corpus) -> dict[Split, pd.DataFrame]:
    """Add the columns that expectations need to each split.

    Args:
        frames: all three splits in the uniform schema, with all columns as text.
        corpus: determines whether examples are pairs.

    Returns:
        The frames with additional columns: text (for display), label_text and label_value (NaN if
        there is no label), words_first, words_second, and the ids of matching rows ("" if there are
        none): repeats (an earlier row with the same text), in_train and in_dev (a row of that split
        with the same text) and sentence_in_train (a row of train with one of the two sentences).
    """
    wide = {split: _own_columns(frame, corpus) for split, frame in frames.items()}
    for frame in wide.values():
        key = frame["key"]
        frame["repeats"] = _ids_in(frame, ["key"], key).where(key.duplicated(), "")
        frame["in_train"] = _ids_in(wide["train"], ["key"], key)
        frame["in_dev"] = _ids_in(wide["dev"], ["key"], key)
        first, second = (_ids_in(wide["train"], SIDES, frame[side]) for side in SIDES)
        frame["sentence_in_train"] = first.where(first != "", second)
    return wide


def label_bins(labels: pd.Series, corpus: Corpus) -> dict[str, int]:
    """Count examples by label; round similarities to whole numbers, with halves rounded up.

    For a split without labels, the result is empty; otherwise it has every label of the corpus.
    """
    known = labels[(labels >= 0) & (labels <= corpus.max_label)]
    if known.empty:
        return {}
    counts = np.floor(known + 0.5).astype(int).value_counts()
    return {str(label): int(counts.get(label, 0)) for label in range(corpus.max_label + 1)}


def lengths(frame: pd.DataFrame, corpus: Corpus) -> tuple[Lengths, dict[str, int]]:
    """Summarize sentence lengths in words, on both sides of pairs, and count each length."""
    if frame.empty:
        return Lengths(), {}
    columns = ["words_first", "words_second"][: corpus.task.num_sentences]
    words = frame[columns].to_numpy().ravel()
    low, median, p95, high = np.percentile(words, [0, 50, 95, 100]).tolist()
    counts = zip(*np.unique(words, return_counts=True), strict=True)
    described = Lengths(int(low), round(median, 1), round(p95, 1), int(high))
    return described, {str(word): int(count) for word, count in counts}


def _own_columns(frame: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Add the columns that do not depend on other rows."""
    first, second = normalized(frame["first"]), normalized(frame["second"])
    key, text = first, frame["first"]
    if corpus.is_pair:
        ordered = first <= second
        # a tab is a safe separator: normalized texts contain none
        key = first.where(ordered, second) + "\t" + second.where(ordered, first)
        text = frame["first"] + " / " + frame["second"]
    label_text = frame["label"].mask(frame["label"] == "")
    is_number = label_text.str.fullmatch(NUMBER).fillna(False).astype(bool)
    return frame.assign(
        text=text,
        label_text=label_text,
        label_value=pd.to_numeric(label_text.where(is_number)).astype("float64"),
        words_first=first.str.count(r"\S+"),
        words_second=second.str.count(r"\S+"),
        first_key=first,
        second_key=second,
        key=key,
    )


def _ids_in(other: pd.DataFrame, columns: Sequence[str], wanted: pd.Series) -> pd.Series:
    """Return, for each wanted text, the id of the first row with it in one of these columns.

    The id is "" if there is no such row. Empty texts do not count as copies of each other.
    """
    # flatten row by row, to find the first pair with the sentence on either side
    texts = pd.Index(other[list(columns)].to_numpy().ravel(), dtype="str")
    known = other["id"].repeat(len(columns)).set_axis(texts)
    known = known[~texts.duplicated() & (texts.str.strip() != "")]
    return pd.Series(known.reindex(wanted, fill_value="").to_numpy(), wanted.index, dtype="str")
