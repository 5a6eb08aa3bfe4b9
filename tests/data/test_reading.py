"""reading: how corpus files are read, what is rejected with file and line, and writing.

test_reading_properties.py tests that any text is read back unchanged.
"""

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.core.tasks import CORPORA
from pipeline.data.reading import (
    Dropped,
    frame_of,
    read_as_text,
    read_split,
    read_upstream,
    write_split,
)
from pipeline.errors import CorpusError

SST = "\tid\tsentence\tsentiment\n0\ta1\t Fine , really .\t3\n1\ta2\t Dull\t0\n"
STS = "\tid\tsentence1\tsentence2\tsimilarity\n9\tb1\tA dog.\tA cat.\t1.25\n"
QUORA = "\tid\tsentence1\tsentence2\tis_duplicate\n7\tc1\tWhy?\tHow?\t1.0\n"
OWN = "id,first,second,label\nb1,A dog.,A cat.,1.25\n"
HEADER = "id,first,second,label\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def upstream(path: Path, content: str | bytes, name: Any = "sst", split: Any = "dev") -> Any:
    return read_upstream(put(path, content), CORPORA[name], split)[0]


def uniform(path: Path, content: str | bytes, name: Any = "sst") -> pd.DataFrame:
    return read_split(put(path, content), CORPORA[name])


def rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "content",
    [
        STS,
        OWN,
        "label,second,first,id\n1.25,A cat.,A dog.,b1\n",
        'id,question1,question2,label\n"b1"," A dog. ","A cat.",1.25\n',
    ],
)
def test_columns_may_have_our_names_or_the_courses(path: Path, content: str) -> None:
    assert rows(upstream(path, content, "sts")) == [("b1", "A dog.", "A cat.", 1.25)]


def test_single_sentences_have_no_second_and_quotation_marks_are_parsed(path: Path) -> None:
    single = [("a1", "Fine , really .", "", 3.0), ("a2", "Dull", "", 0.0)]
    assert rows(upstream(path, SST)) == single
    content = 'id\ttext\tlabel\na1\t"I sat through worse.\t1\na2\tA chore."\t0\n'
    read = upstream(path.with_suffix(".tsv"), content)
    assert list(read["first"]) == ['"I sat through worse.', 'A chore."']


def test_a_test_split_has_no_labels_whatever_its_columns(path: Path) -> None:
    content = "0\t\tid\tsentence\n1\t0.0\td1\t Slow start\n2\t1.0\td2\t Good end\n"
    frame = upstream(path, content, split="test")
    assert [row[:3] for row in rows(frame)] == [("d1", "Slow start", ""), ("d2", "Good end", "")]
    assert frame["label"].isna().all()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.removesuffix("\n").encode(),
        lambda text: (text + "\n\n").encode(),
    ],
    ids=["byte order mark", "Windows", "no last line end", "blank lines"],
)
def test_harmless_differences_in_a_file_change_nothing(path: Path, change: Any) -> None:
    pd.testing.assert_frame_equal(upstream(path, change(SST)), upstream(path, SST))
    schema = f"{HEADER}a1,Fine,,3\n"
    pd.testing.assert_frame_equal(uniform(path, change(schema)), uniform(path, schema))
    for text in (schema, f"{HEADER}a1,Fine,,\n"):
        as_it_was = read_as_text(put(path, text))
        pd.testing.assert_frame_equal(read_as_text(put(path, change(text))), as_it_was)


def test_rows_with_an_empty_field_are_dropped_and_named(path: Path) -> None:
    gaps = '8\tc2\tWho?\t \t0.0\n9\tc3\t"Two\nlines"\tWhat?\t\n10\tc4\tIf?\tIs it?\t0.0\n'
    frame, dropped = read_upstream(put(path, QUORA + gaps), CORPORA["quora"], "dev")
    assert list(frame["id"]) == ["c1", "c4"]
    assert dropped == (
        Dropped("dev", "c2", 3, "empty: sentence2"),
        Dropped("dev", "c3", 4, "empty: is_duplicate"),
    )


SEVERAL_LINES = SST.replace(" Fine , really .", '"one\ntwo\nthree"').replace("\t0\n", "\t9\n")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("sst", SST.replace("sentiment", "x"), "line 1: no column label or sentiment; found , id,"),
        ("sst", SST.replace("\t3", "\t5"), "line 2: label 5 of sst must be a whole number from 0 "),
        ("sst", SST.replace("\t3", "\t-1"), "line 2: label -1 of sst must be"),
        ("sst", SST.replace("\t3", "\t2.5"), "line 2: label 2.5 of sst must be a whole number"),
        ("sst", SST.replace("\t0\n", "\t1_0\n"), "line 3: label '1_0' is not a number"),
        ("sst", SST.replace("Dull", "Du\0ll"), "line 3: a NUL byte; this is not a text file"),
        ("sst", SST.encode().replace(b"Dull", b"D\xe9j"), "line 3: byte 0xe9 is not UTF-8 text"),
        ("sst", SEVERAL_LINES, "line 5: label 9 of sst"),
        ("sts", STS.replace("1.25", "5.1"), "line 2: label 5.1 of sts must be a number from 0 to "),
        ("sts", OWN.replace("second", "x"), "line 1: no column second or sentence2 or question2; "),
    ],
)
def test_an_unreadable_upstream_file_is_rejected_with_name_and_line(
    path: Path, name: str, content: str | bytes, problem: str
) -> None:
    with pytest.raises(CorpusError, match=re.escape(f"{path}, {problem}")) as refused:
        upstream(path, content, name)
    assert "\n" not in str(refused.value)


def test_an_unexpected_second_sentence_is_rejected(path: Path) -> None:
    message = re.escape(f"{path}, line 2: sst has no second sentence; leave it empty")
    with pytest.raises(CorpusError, match=message):
        uniform(path, f"{HEADER}a,b,c,1\n")


def test_content_that_validation_judges_is_read_unchanged(path: Path) -> None:
    frame = uniform(path, f"{HEADER}a,,,9\na, x ,,2.5\n")
    assert rows(frame) == [("a", "", "", 9.0), ("a", " x ", "", 2.5)]
    text = read_as_text(put(path, f'{HEADER}007,NA,"a ""b"",\r\nc",1.0\n8,cut\n'))
    assert rows(text)[0] == ("007", "NA", 'a "b",\r\nc', "1.0")
    assert rows(text)[1][:2] == ("8", "cut")
    assert list(text.iloc[1].isna()) == [False, False, True, True]


@pytest.mark.parametrize(
    ("name", "row", "written"),
    [
        ("sst", ("i", "a", "", 3.0), "i,a,,3"),
        ("sst", ("i", "a", "", math.nan), "i,a,,"),
        ("sts", ("i", "a", "b", 3.8), "i,a,b,3.8"),
        ("sts", ("i", "a", "b", 3.0), "i,a,b,3.0"),
        ("sts", ("i", "a", "b", 0.00001), "i,a,b,0.00001"),
        ("quora", ("i", 'Why, "oh"?', "Über\r", 0.0), 'i,"Why, ""oh""?","Über\r",0'),
    ],
)
def test_a_written_split_follows_the_schema(
    path: Path, name: Any, row: tuple[str, str, str, float], written: str
) -> None:
    write_split(path, frame_of([row]), CORPORA[name])
    assert path.read_bytes().decode() == f"{HEADER}{written}\n"
    write_split(path, frame_of([]), CORPORA[name])
    assert path.read_bytes().decode() == HEADER
