"""Expectations: a good corpus meets them all, and each fault is found where it is.

A corpus has many faults at once, and exactly these must be found.
"""

import logging
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.plumbing.params import Cs224nCorpora
from pipeline.validation import expectations
from pipeline.validation.expectations import check, expect
from tests.validation.handmade import validate, write

CARVED = Cs224nCorpora(source="cs224n", quora_split="carved")
PUBLISHED = Cs224nCorpora(source="cs224n", quora_split="published")


def unmet(report: Any) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """Return the severity and ids of unmet expectations, by split and name."""
    return {
        (found.split, found.expectation): (found.severity, [row.id for row in found.examples])
        for found in report.findings
        if not found.success
    }


def finding_of(report: Any, split: str, name: str) -> Any:
    (found,) = (f for f in report.findings if (f.split, f.expectation) == (split, name))
    return found


@pytest.mark.parametrize("corpora", [None, CARVED])
@pytest.mark.parametrize("name", CORPORA)
def test_a_good_corpus_meets_every_expectation(
    tmp_path: Path, name: CorpusName, corpora: Cs224nCorpora | None
) -> None:
    write(tmp_path, name)
    report = validate(tmp_path, name, corpora)
    assert {expectation for _, expectation in unmet(report)} <= (
        {"row_count"} if corpora else set()
    )
    assert {finding.split for finding in report.findings} == {"train", "dev", "test", "all"}
    for finding in report.findings:
        if finding.expectation != "row_count":  # follows from Table 1 or params.yaml
            assert re.search(r" (must|should|may) ", finding.description)
        if finding.unexpected_count is not None:
            assert re.fullmatch(r"[\d,]+ of [\d,]+ [a-z ]+", finding.observed)


def break_single_sentences(rows: Any) -> None:
    train, dev, test = rows["train"], rows["dev"], rows["test"]
    for row in train:  # one example with label 4 remains: 1 of 28 known labels
        row["label"] = "3" if row["label"] == "4" else row["label"]
    train[1]["label"] = "4"
    train[3]["first"] = "  "
    train[4]["id"] = "train,4"
    train[16]["id"] = "train 16"
    train[17]["id"] = ""
    train[6]["id"] = "train5"
    train[7]["label"] = ""
    train[8]["label"] = "x"
    train[9]["label"] = "5"
    train[10]["label"] = "2.5"
    train[11]["second"] = "extra"
    train[12]["first"] = "word"
    train[14]["first"] = "  " + train[13]["first"].upper().replace(" ", "  ")
    train[15]["first"] = "word " * 65
    train[18]["first"] = train[14]["first"].lower() + " "
    train[19]["label"] = "nan"
    dev[0]["id"] = "train0"
    dev[2]["first"] = train[20]["first"].title()
    dev[5]["label"] = ""
    dev[6]["label"] = "-1"
    dev[7]["label"] = "1e0"
    dev.pop()
    test[1]["label"] = "9"
    test[2]["first"] = train[21]["first"]
    test[3]["first"] = dev[8]["first"]
    test[4]["first"] = ""  # an empty text is not a copy


SINGLE_SENTENCES = {
    ("train", "first_not_empty"): ("critical", ["train3"]),
    ("train", "id_is_one_word"): ("critical", ["train,4", "train 16", "example 18"]),
    ("train", "id_unique"): ("critical", ["train5", "train5"]),
    ("train", "label_present"): ("critical", ["train7"]),
    ("train", "label_is_number"): ("critical", ["train8", "train19"]),
    ("train", "label_in_range"): ("critical", ["train9", "train10"]),
    ("train", "second_is_empty"): ("critical", ["train11"]),
    ("train", "first_length"): ("warning", ["train3", "train12", "train15"]),
    ("train", "text_not_repeated"): ("warning", ["train14", "train18"]),
    ("train", "class_balance"): ("warning", ["label 4"]),
    ("dev", "text_not_in_train"): ("warning", ["dev2"]),
    ("dev", "few_in_train"): ("critical", ["dev2"]),
    ("dev", "label_present"): ("critical", ["dev5"]),
    ("dev", "label_in_range"): ("critical", ["dev6"]),
    ("dev", "label_is_number"): ("critical", ["dev7"]),
    ("dev", "row_count"): ("critical", []),
    ("test", "label_in_range"): ("critical", ["test1"]),
    ("test", "text_not_in_train"): ("warning", ["test2"]),
    ("test", "text_not_in_dev"): ("warning", ["test3"]),
    ("test", "first_not_empty"): ("critical", ["test4"]),
    ("test", "first_length"): ("warning", ["test4"]),
    ("all", "id_in_one_split"): ("critical", ["train0", "train0"]),
}


def break_pairs(rows: Any) -> None:
    train, dev, test = rows["train"], rows["dev"], rows["test"]
    train[1]["second"] = "\t"
    train[2]["label"] = "5.1"
    train[4] |= {"first": train[3]["second"], "second": train[3]["first"]}
    train[5]["second"] = "one"
    dev[1] |= {"first": train[10]["second"].upper(), "second": "  " + train[10]["first"]}
    dev[2]["second"] = train[11]["first"]
    # the same words, but not the same pair
    train[6] |= {"first": "one two", "second": "three four five"}
    dev[4] |= {"first": "one two three", "second": "four five"}
    for row in dev:
        row["label"] = "3.0"
    test[1] |= {"first": train[12]["first"], "second": train[12]["second"]}
    test[2] |= {"first": dev[3]["second"], "second": dev[3]["first"]}


PAIRS = {
    ("train", "second_not_empty"): ("critical", ["train1"]),
    ("train", "second_length"): ("warning", ["train1", "train5"]),
    ("train", "label_in_range"): ("critical", ["train2"]),
    ("train", "text_not_repeated"): ("warning", ["train4"]),
    ("dev", "text_not_in_train"): ("warning", ["dev1"]),
    ("dev", "few_in_train"): ("critical", ["dev1"]),
    ("dev", "sentence_not_in_train"): ("info", ["dev1", "dev2"]),
    ("dev", "labels_vary"): ("critical", []),
    ("dev", "class_balance"): ("warning", [f"label {label}" for label in range(5)]),
    ("test", "text_not_in_train"): ("warning", ["test1"]),
    ("test", "sentence_not_in_train"): ("info", ["test1"]),
    ("test", "text_not_in_dev"): ("warning", ["test2"]),
}


DETAILS = [
    ("sst", "train text_not_repeated", "2 of 30 repeated", ["same as train13"] * 2),
    ("sst", "train label_in_range", "2 of 30 with another label", ["label 5", "label 2.5"]),
    ("sst", "train first_length", "3 of 30 shorter or longer", [f"words: {n}" for n in (0, 1, 65)]),
    ("sst", "dev few_in_train", "1 of 29 in train too", ["same as train20 in train"]),
    ("sst", "dev row_count", "29", []),
    ("sts", "dev few_in_train", "1 of 30 in train too", ["same as train10 in train"]),
    (
        "sts",
        "dev class_balance",
        "6 of 6 outside",
        [f"{share}.0 % of the examples" for share in (0, 0, 0, 100, 0)],
    ),
]


@pytest.mark.parametrize(
    ("name", "spoil", "expected"),
    [("sst", break_single_sentences, SINGLE_SENTENCES), ("sts", break_pairs, PAIRS)],
)
def test_each_fault_is_found_and_nothing_else(
    tmp_path: Path, name: CorpusName, spoil: Any, expected: Any
) -> None:
    write(tmp_path, name, spoil)
    report = validate(tmp_path, name)
    assert unmet(report) == expected
    for corpus, place, observed, details in DETAILS:
        if corpus == name:
            finding = finding_of(report, *place.split())
            assert finding.observed == observed
            assert [example.detail for example in finding.examples] == details


@pytest.mark.parametrize(
    ("name", "num_leaked", "success"),
    [("sst", 2, True), ("sst", 3, False), ("sts", 4, True), ("sts", 5, False)],
)
def test_a_leaked_dev_set_is_critical_above_one_percent_and_for_sts_two(
    tmp_path: Path, name: CorpusName, num_leaked: int, success: bool
) -> None:
    sizes = {"train": 30, "dev": 200, "test": 5}

    def leak(rows: Any) -> None:
        for i in range(num_leaked):
            rows["dev"][i] |= {key: rows["train"][i][key] for key in ("first", "second")}

    write(tmp_path, name, leak, sizes)
    report = validate(tmp_path, name, sizes=sizes)
    assert finding_of(report, "dev", "few_in_train").success is success
    assert not finding_of(report, "dev", "text_not_in_train").success
    assert [finding.stops for finding in report.findings].count(True) == (not success)


def test_carved_quora_shares_no_question_and_needs_no_test_split(tmp_path: Path) -> None:
    def share(rows: Any) -> None:
        rows["dev"][7]["second"] = rows["train"][9]["first"].upper()
        rows["test"].clear()

    write(tmp_path, "quora", share)
    assert unmet(validate(tmp_path, "quora", CARVED)) == {
        ("dev", "sentence_not_in_train"): ("critical", ["dev7"]),
        ("train", "row_count"): ("info", []),
        ("dev", "row_count"): ("info", []),
        ("test", "row_count"): ("info", []),
        ("test", "has_rows"): ("info", []),
    }
    shared = unmet(validate(tmp_path, "quora", PUBLISHED))
    assert shared["dev", "sentence_not_in_train"] == ("info", ["dev7"])
    assert shared["dev", "row_count"] == ("warning", [])


@pytest.mark.parametrize("split", ["train", "dev"])
def test_an_empty_train_or_dev_split_is_critical(tmp_path: Path, split: str) -> None:
    write(tmp_path, "sst", lambda rows: rows[split].clear())
    assert unmet(validate(tmp_path, "sst")) == {
        (split, "has_rows"): ("critical", []),
        (split, "row_count"): ("critical", []),
    }


def test_an_expectation_that_raises_is_critical_and_says_why() -> None:
    frame = pd.DataFrame({"id": ["label 0"], "text": ["no percentage here"]})
    (finding,) = check(frame, "dev", [expect("class_balance", bin="label")])
    assert finding.severity == "critical"
    assert not finding.success
    assert "could not be tried" in finding.observed
    assert '"percent"' in finding.observed


def test_great_expectations_is_silent_and_repeatable(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "sst", break_single_sentences)
    first = validate(tmp_path, "sst")
    expectations._frames.cache_clear()  # it writes messages when it is set up
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert validate(tmp_path, "sst") == first
    assert capfd.readouterr() == ("", "")
    (record,) = caplog.records
    assert record.getMessage().startswith("sst: ")
