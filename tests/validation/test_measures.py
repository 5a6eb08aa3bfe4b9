"""measures: counted by hand on a few rows."""

import math
from typing import Any

import pandas as pd

from pipeline.core.tasks import CORPORA, SPLITS
from pipeline.validation.measures import label_bins, lengths, measured

Row = tuple[str, str, str, str]


def measure(name: Any, **splits: list[Row]) -> dict[str, Any]:
    columns = ["id", "first", "second", "label"]
    frames = {s: pd.DataFrame(splits.get(s, []), columns=columns, dtype="str") for s in SPLITS}
    return dict(measured(frames, CORPORA[name]))


def test_copies_are_found_without_case_and_spacing_and_name_the_first_they_copy() -> None:
    found = measure(
        "sst",
        train=[("a", "It  works", "", "1"), ("b", "it works ", "", "1"), ("c", "IT WORKS", "", "")],
        dev=[("d", "it\tworks", "", "1"), ("e", "it works!", "", "1")],
        test=[("f", "It works!", "", ""), ("g", "It", "", "")],
    )
    assert list(found["train"]["repeats"]) == ["", "a", "a"]
    assert list(found["dev"]["in_train"]) == ["a", ""]
    assert list(found["test"]["in_train"]) == ["", ""]
    assert list(found["test"]["in_dev"]) == ["e", ""]


def test_a_pair_is_the_same_in_either_order_and_its_sentences_are_looked_for_alone() -> None:
    found = measure(
        "sts",
        train=[("a", "One", "Two", "1"), ("b", "Two", "one", "1"), ("c", "One", "Three", "1")],
        dev=[("d", "two", "ONE", "1"), ("e", "Four", "three", "0"), ("f", "onet", "wo", "0")],
    )
    assert list(found["train"]["repeats"]) == ["", "a", ""]
    assert list(found["dev"]["in_train"]) == ["a", "", ""]
    assert list(found["dev"]["sentence_in_train"]) == ["a", "c", ""]


def test_empty_texts_are_nobodys_copies() -> None:
    for name in ("sst", "sts"):
        dev = [("b", " ", "", "1"), ("c", "", "x", "1"), ("d", "", "", "1")]
        found = measure(name, train=[("a", "", "", "1")], dev=dev)["dev"]
        for column in ("repeats", "in_train", "sentence_in_train"):
            assert list(found[column]) == ["", "", ""]


def test_a_label_is_a_number_only_where_its_text_is_one() -> None:
    rows = [("a", "x", "", text) for text in ("3", "", "nan", "1_0", "2.50")]
    values = measure("sts", train=rows)["train"]["label_value"]
    assert values.dropna().to_dict() == {0: 3.0, 4: 2.5}


def test_labels_are_counted_in_bins_with_halves_upwards() -> None:
    labels = pd.Series([0.0, 0.49, 0.5, 2.5, 4.5, 5.0, 7.0, -1.0, math.nan])
    counted = {"0": 2, "1": 1, "2": 0, "3": 1, "4": 0, "5": 2}
    assert label_bins(labels, CORPORA["sts"]) == counted
    assert label_bins(pd.Series([1.0, 1.0]), CORPORA["quora"]) == {"0": 0, "1": 2}
    assert label_bins(pd.Series([math.nan]), CORPORA["quora"]) == {}


def test_lengths_are_in_words_of_both_sentences() -> None:
    pairs = [("a", "one two", "one  two three", "1"), ("b", "one", "a b c d", "1")]
    found, sts = measure("sts", train=pairs), CORPORA["sts"]
    described = {"min": 1, "median": 2.5, "p95": 3.8, "max": 4}
    assert lengths(found["train"], sts) == (described, {"1": 1, "2": 1, "3": 1, "4": 1})
    assert lengths(found["dev"], sts) == (dict.fromkeys(described), {})
