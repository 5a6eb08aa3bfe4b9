"""What can be counted in a corpus before judging it: words, labels, copies of a text.

Texts are compared without case and with runs of space folded to one; the two sentences of a pair
in either order. Files are read as text here, since the reader proper refuses what it cannot use
and validation is to say what is wrong, in which rows.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.corpora.carving import normalised
from pipeline.corpora.reading import NUMBER, open_text
from pipeline.errors import CorpusError
from pipeline.tasks import Corpus, Split


def read_as_text(path: Path) -> pd.DataFrame:
    """Read a CSV file without interpreting it; only what is cut off a row is NaN.

    Raises:
        CorpusError: the file is missing or no CSV.
    """
    try:
        with warnings.catch_warnings():
            # pandas only warns of rows longer than the header, and cuts them
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                open_text(path),
                dtype="str",
                keep_default_na=False,
                index_col=False,
                engine="python",  # the other one fills cut rows with empty text
            )
    except pd.errors.ParserWarning:
        raise CorpusError(f"{path} cannot be read: a row is longer than the header") from None
    except ValueError as error:  # pandas's own errors are ValueErrors
        raise CorpusError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def measured(frames: Mapping[Split, pd.DataFrame], corpus: Corpus) -> dict[Split, pd.DataFrame]:
    """Add to each split what expectations are about.

    Args:
        frames: in the uniform schema, all text.
        corpus: says whether examples are pairs.

    Returns:
        The frames with further columns: text (to show), label_text and label_value (NaN without
        label), words_first, words_second, and ids of other rows ("" without one): repeats (an
        earlier row with the same text), in_train and in_dev (a row there with the same text) and
        sentence_in_train (a row there with one of the two sentences).
    """
    wide = {split: _alone(frame, corpus) for split, frame in frames.items()}
    for frame in wide.values():
        for other in ("train", "dev"):
            frame[f"in_{other}"] = _ids_in(wide.get(other), frame["key"])
        frame["sentence_in_train"] = _sentence_ids(wide.get("train"), frame)
    return wide


def label_bins(labels: pd.Series, corpus: Corpus) -> dict[str, int]:
    """Count examples by label; similarities by the nearest whole number, halves upwards.

    A split without labels has none; elsewhere every label the corpus knows is counted.
    """
    known = labels[(labels >= 0) & (labels <= corpus.max_label)]
    if known.empty:
        return {}
    counts = np.floor(known + 0.5).astype(int).value_counts()
    return {str(label): int(counts.get(label, 0)) for label in range(corpus.max_label + 1)}


def lengths(frame: pd.DataFrame | None, corpus: Corpus) -> dict[str, float | None]:
    """Describe how many words the sentences of a split have, both sides of pairs taken together."""
    if frame is None or frame.empty:
        return dict.fromkeys(("min", "median", "p95", "max"))
    low, median, p95, high = np.percentile(_words(frame, corpus), [0, 50, 95, 100])
    return {
        "min": int(low),
        "median": round(float(median), 1),
        "p95": round(float(p95), 1),
        "max": int(high),
    }


def length_counts(frame: pd.DataFrame | None, corpus: Corpus) -> dict[str, int]:
    """Count sentences by how many words they have, the shortest first."""
    if frame is None or frame.empty:
        return {}
    words, counts = np.unique(_words(frame, corpus), return_counts=True)
    return {str(word): int(count) for word, count in zip(words, counts, strict=True)}


def _words(frame: pd.DataFrame, corpus: Corpus) -> NDArray[Any]:
    """Return the number of words of every sentence, both sides of pairs."""
    sides = ["words_first", "words_second"] if corpus.is_pair else ["words_first"]
    return np.asarray(frame[sides].to_numpy().ravel())


def _alone(frame: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Measure what needs no other split."""
    first, second = normalised(frame["first"]), normalised(frame["second"])
    if corpus.is_pair:
        ordered = first <= second
        # a normalised text holds no tab
        key = first.where(ordered, second) + "\t" + second.where(ordered, first)
        text = frame["first"] + " / " + frame["second"]
    else:
        key, text = first, frame["first"]
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
        repeats=_first_ids(key, frame["id"]).where(key.duplicated(), ""),
    )


def _first_ids(key: pd.Series, ids: pd.Series) -> pd.Series:
    """Return for each row the id of the first row of the same key."""
    return ids.groupby(key).transform("first") if len(ids) else ids


def _ids_in(other: pd.DataFrame | None, key: pd.Series) -> pd.Series:
    """Return for each key the id of the first row of another split that has it, or ""."""
    if other is None:
        return pd.Series("", index=key.index, dtype="str")
    return _looked_up(key, other["key"], other["id"])


def _sentence_ids(train: pd.DataFrame | None, frame: pd.DataFrame) -> pd.Series:
    """Return for each pair the id of a pair in train that has its first sentence, or its second."""
    if train is None:
        return pd.Series("", index=frame.index, dtype="str")
    sides = ["first_key", "second_key"]
    # row by row, so that the first pair is found, whichever side the sentence is on
    sentences = pd.Series(train[sides].to_numpy().ravel(), dtype="str")
    ids = train["id"].repeat(len(sides))
    first, second = (_looked_up(frame[side], sentences, ids) for side in sides)
    return first.where(first != "", second)


def _looked_up(wanted: pd.Series, keys: pd.Series, ids: pd.Series) -> pd.Series:
    """Return for each wanted key the first id that has it; an empty text is nobody's copy."""
    known = ids.set_axis(pd.Index(keys, dtype="str"))
    known = known[~known.index.duplicated() & (known.index.str.strip() != "")]
    return known.reindex(wanted, fill_value="").set_axis(wanted.index)
