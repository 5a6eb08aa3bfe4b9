"""validate_corpus: findings, including damaged files, critical findings, and the report."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.core.files import write_json
from pipeline.core.tasks import CORPORA
from pipeline.errors import CorpusError, SchemaError, ValidationError
from pipeline.validation.findings import stop_if_critical
from pipeline.validation.measures import label_bins
from tests.validation.handmade import validate, write


def critical(report: Any) -> list[str]:
    """Return the critical findings in the words of the error."""
    with pytest.raises(ValidationError) as stopped:
        stop_if_critical([report])
    lines = str(stopped.value).splitlines()[1:]
    return [line.strip().replace("data/corpora/sst/", "") for line in lines]


def replace_line(path: Path, number: int, line: str) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[number - 1] = line
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_missing_column_and_a_cut_row_do_not_stop_other_checks(tmp_path: Path) -> None:
    def spoil(rows: Any) -> None:
        rows["train"][3]["label"] = "7"
        for row in rows["test"][5:9]:
            row["first"] = ""
        rows["test"][9]["id"] = "train9"

    write(tmp_path, "sst", spoil)
    replace_line(tmp_path / "dev.csv", 1, "id,first,second,sentiment")
    replace_line(tmp_path / "test.csv", 5, "test3,cut here")
    report = validate(tmp_path, "sst")
    assert critical(report) == [
        "sst train (train.csv): A label must be a whole number from 0 to 4. Found: 1 of 30 with "
        "another label (id train3).",
        "sst dev (dev.csv): The columns id, first, second, label must be there. Found: first, id, "
        "second, sentiment.",
        "sst test (test.csv): The text must not be empty. Found: 4 of 10 empty "
        "(ids test5, test6, test7).",
        "sst test (test.csv): Every row must reach to its last column. Found: 1 of 10 cut off "
        "(id test3).",
        "sst all (data/corpora/sst): An id must be in one split only. Found: 2 of 40 in several "
        "(id train9).",
    ]
    assert report.counts == {"train": 30, "dev": 0, "test": 10}
    assert report.count_notes["dev"] == "cannot be read"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"Found: cannot be read: it is empty"),
        (b"id,first,second,label\na,b\xff,,1\n", r"Found: line 2: byte 0xff is not UTF-8 text"),
        (b"id,first,second,label\na,b,,1,2\n", r"Found: cannot be read: a row is longer"),
        (b'id,first,second,label\na,"b,,1\n', r"Found: cannot be read: unexpected end"),
    ],
)
def test_a_file_that_is_not_a_table_is_a_critical_finding(
    tmp_path: Path, content: bytes, message: str
) -> None:
    write(tmp_path, "sst")
    (tmp_path / "dev.csv").write_bytes(content)
    (line,) = critical(validate(tmp_path, "sst"))
    assert line.startswith("sst dev (dev.csv): The file must be a table in CSV. Found: ")
    assert re.search(message, line)


@pytest.mark.parametrize(
    ("origin", "error", "said"),
    [
        (None, CorpusError, r"origin\.json .* run the stage `corpora` again"),
        ({"schema": "corpora/1"}, CorpusError, r"origin\.json .*source: Field required"),
        ({"schema": "corpora/0"}, SchemaError, r"corpora/0.* reads corpora/1; run"),
    ],
)
def test_a_corpus_without_its_origin_or_of_another_version_is_refused(
    tmp_path: Path, origin: dict[str, str] | None, error: type[Exception], said: str
) -> None:
    write(tmp_path, "sst")
    path = tmp_path / "origin.json"
    path.unlink()
    if origin:
        write_json(path, origin)
    with pytest.raises(error, match=said):
        validate(tmp_path, "sst")


def test_the_report_describes_the_corpus_in_plain_json(tmp_path: Path) -> None:
    def shorten(rows: Any) -> None:
        rows["train"][0]["first"] = "three words here"
        rows["train"][1] |= {"second": "word " * 20, "label": "9"}
        for row in rows["train"][2:4]:
            row["second"] = "word " * 12

    write(tmp_path, "quora", shorten)
    report = validate(tmp_path, "quora").model_dump()
    text = json.dumps(report, allow_nan=False)  # numpy's numbers would be refused
    assert json.loads(text) == report
    assert str(tmp_path) not in text
    assert report["counts"] == {"train": 30, "dev": 30, "test": 10}
    assert report["paper_counts"] == {"train": 141506, "dev": 20215, "test": 40431}
    assert report["label_balance"] == {
        "train": {"0": 15, "1": 14},
        "dev": {"0": 15, "1": 15},
        "test": {},
    }
    assert report["lengths"]["train"] == {"min": 3, "median": 10.0, "p95": 10.1, "max": 20}
    assert report["length_counts"]["train"] == {"3": 1, "4": 27, "10": 29, "12": 2, "20": 1}
    assert (report["source"], report["notes"]) == ("made by hand", ["a note"])
    places = [(finding["split"], finding["expectation"]) for finding in report["findings"]]
    order = ["train", "dev", "test", "all"]
    assert places == sorted(places, key=lambda place: (order.index(place[0]), place[1]))


def test_labels_are_counted_in_bins_and_halves_are_rounded_up() -> None:
    labels = pd.Series([0.0, 0.49, 0.5, 2.5, 4.5, 5.0, 7.0, -1.0, math.nan])
    counted = {"0": 2, "1": 1, "2": 0, "3": 1, "4": 0, "5": 2}
    assert label_bins(labels, CORPORA["sts"]) == counted
    assert label_bins(pd.Series([math.nan]), CORPORA["quora"]) == {}
