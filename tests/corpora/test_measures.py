"""measures: counted by hand on a few rows."""

import math
from pathlib import Path

import pandas as pd
import pytest

from pipeline.corpora.measures import (
    label_bins,
    length_counts,
    lengths,
    measured,
    read_as_text,
)
from pipeline.errors import CorpusError
from pipeline.tasks import CORPORA

COLUMNS = ["id", "first", "second", "label"]


def frame(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def test_a_file_is_read_as_the_text_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_text('id,first,second,label\n007,NA,"a ""b"", c",1.0\n8,cut\n', encoding="utf-8")
    read = read_as_text(path)
    assert list(read.iloc[0]) == ["007", "NA", 'a "b", c', "1.0"]
    assert list(read.iloc[1, :2]) == ["8", "cut"]
    assert list(read.iloc[1, 2:].isna()) == [True, True]


def test_copies_are_found_without_case_and_spacing_and_name_the_first_they_copy() -> None:
    train = frame(
        ("a", "It  works", "", "1"), ("b", "it works ", "", "1"), ("c", "IT WORKS", "", "0")
    )
    dev = frame(("d", "it\tworks", "", "1"), ("e", "it works!", "", "1"))
    test = frame(("f", "It works!", "", ""), ("g", "It", "", ""))
    found = measured({"train": train, "dev": dev, "test": test}, CORPORA["sst"])
    assert list(found["train"]["repeats"]) == ["", "a", "a"]
    assert list(found["dev"]["in_train"]) == ["a", ""]
    assert list(found["test"]["in_train"]) == ["", ""]
    assert list(found["test"]["in_dev"]) == ["e", ""]


def test_a_pair_is_the_same_in_either_order_and_its_sentences_are_looked_for_alone() -> None:
    train = frame(("a", "One", "Two", "1"), ("b", "Two", "one", "1"), ("c", "One", "Three", "1"))
    dev = frame(("d", "two", "ONE", "1"), ("e", "Four", "three", "0"), ("f", "onet", "wo", "0"))
    found = measured({"train": train, "dev": dev}, CORPORA["sts"])
    assert list(found["train"]["repeats"]) == ["", "a", ""]
    assert list(found["dev"]["in_train"]) == ["a", "", ""]
    assert list(found["dev"]["sentence_in_train"]) == ["a", "c", ""]


def test_empty_texts_are_nobodys_copies() -> None:
    train, dev = frame(("a", "", "", "1")), frame(("b", " ", "", "1"), ("c", "", "x", "1"))
    for name in ("sst", "sts"):
        found = measured({"train": train, "dev": dev}, CORPORA[name])
        assert list(found["dev"]["in_train"]) == ["", ""]
        assert list(found["dev"]["sentence_in_train"]) == ["", ""]


def test_a_label_is_a_number_only_where_its_text_is_one() -> None:
    rows = [("a", "x", "", text) for text in ("3", "", "nan", "1_0", "2.50")]
    values = measured({"train": frame(*rows)}, CORPORA["sts"])["train"]["label_value"]
    assert values.dropna().to_dict() == {0: 3.0, 4: 2.5}


def test_labels_are_counted_in_bins_with_halves_upwards() -> None:
    labels = pd.Series([0.0, 0.49, 0.5, 2.5, 4.5, 5.0, 7.0, -1.0, math.nan])
    counted = {"0": 2, "1": 1, "2": 0, "3": 1, "4": 0, "5": 2}
    assert label_bins(labels, CORPORA["sts"]) == counted
    assert label_bins(pd.Series([1.0, 1.0]), CORPORA["quora"]) == {"0": 0, "1": 2}
    assert label_bins(pd.Series([math.nan]), CORPORA["quora"]) == {}


def test_lengths_are_in_words_of_both_sentences() -> None:
    rows = frame(("a", "one two", "one  two three", "1"), ("b", "one", "a b c d", "1"))
    pairs = measured({"train": rows}, CORPORA["sts"])["train"]
    assert lengths(pairs, CORPORA["sts"]) == {"min": 1, "median": 2.5, "p95": 3.8, "max": 4}
    assert length_counts(pairs, CORPORA["sts"]) == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert length_counts(pairs[:0], CORPORA["sts"]) == {}
    assert lengths(pairs[:0], CORPORA["sts"]) == dict.fromkeys(("min", "median", "p95", "max"))


def test_a_field_may_be_of_any_length_and_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    text = "x" * 200_000  # csv's own limit is 131,072
    path.write_bytes(f'\ufeffid,first,second,label\r\na,{text},"b\r\nc",1\r\n'.encode())
    (row,) = read_as_text(path).itertuples(index=False)
    assert tuple(row) == ("a", text, "b\r\nc", "1")


def test_a_nul_byte_is_refused_by_row_as_the_reader_proper_does(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_bytes(b"id,first,second,label\na,b\0c,,1\n")
    with pytest.raises(CorpusError, match=r"dev\.csv row 2: a NUL byte"):
        read_as_text(path)
