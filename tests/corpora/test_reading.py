"""reading: what upstream files mean, what is refused by file and row, and the way back."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.corpora.reading import (
    Dropped,
    empty_split,
    read_split,
    read_upstream,
    write_split,
)
from pipeline.errors import CorpusError
from pipeline.tasks import CORPORA, CorpusName, Split

SST = "\tid\tsentence\tsentiment\n0\ta1\t Fine , really .\t3\n1\ta2\t Dull\t0\n"
STS = "\tid\tsentence1\tsentence2\tsimilarity\n9\tb1\tA dog.\tA cat.\t1.25\n"
QUORA = "\tid\tsentence1\tsentence2\tis_duplicate\n7\tc1\tWhy?\tHow?\t1.0\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def upstream(
    path: Path, content: str | bytes, name: CorpusName = "sst", split: Split = "dev"
) -> pd.DataFrame:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_upstream(path, CORPORA[name], split)[0]


def uniform(path: Path, content: str | bytes, name: CorpusName = "sst") -> pd.DataFrame:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_split(path, CORPORA[name])


def rows(frame: pd.DataFrame) -> list[tuple[str, str, str, float]]:
    return list(frame.itertuples(index=False, name=None))


def test_sentences_lose_the_space_around_them(path: Path) -> None:
    assert rows(upstream(path, SST)) == [
        ("a1", "Fine , really .", "", 3.0),
        ("a2", "Dull", "", 0.0),
    ]


def test_pairs_keep_their_order(path: Path) -> None:
    assert rows(upstream(path, STS, "sts")) == [("b1", "A dog.", "A cat.", 1.25)]
    assert rows(upstream(path, QUORA, "quora")) == [("c1", "Why?", "How?", 1.0)]


def test_types_are_the_same_for_every_split(path: Path) -> None:
    types = {"id": "str", "first": "str", "second": "str", "label": "float64"}
    for frame in (upstream(path, SST), empty_split()):
        assert frame.dtypes.astype(str).to_dict() == types


def test_a_test_split_has_no_labels_whatever_its_unnamed_columns(path: Path) -> None:
    content = "0\t\tid\tsentence\n1\t0.0\td1\t Slow start\n2\t1.0\td2\t Good end\n"
    frame = upstream(path, content, split="test")
    assert list(frame["first"]) == ["Slow start", "Good end"]
    assert list(frame["id"]) == ["d1", "d2"]
    assert frame["label"].isna().all()


def test_quoted_fields_are_read_as_csv_writes_them(path: Path) -> None:
    content = 'x\tid\tsentence\tsentiment\n0\te1\t"He said ""no"",\ttwice\nor more"\t2\n'
    assert list(upstream(path, content)["first"]) == ['He said "no",\ttwice\nor more']


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
def test_harmless_differences_change_nothing(path: Path, change: object) -> None:
    assert callable(change)
    pd.testing.assert_frame_equal(upstream(path, change(SST)), upstream(path, SST))
    schema = "id,first,second,label\na1,Fine,,3\n"
    pd.testing.assert_frame_equal(uniform(path, change(schema)), uniform(path, schema))


def test_a_very_long_field_is_read_whole(path: Path) -> None:
    text = "word " * 100_000 + "end"
    frame = upstream(path, SST.replace("Dull", text))
    assert frame["first"][1] == text
    write_split(path, frame, CORPORA["sst"])
    assert read_split(path, CORPORA["sst"])["first"][1] == text


def test_rows_with_an_empty_field_are_dropped_and_named(path: Path) -> None:
    content = (
        QUORA + '8\tc2\tWho?\t \t0.0\n9\tc3\t"Two\nlines"\tWhat?\t\n10\tc4\tIf?\tIs it?\t0.0\n'
    )
    path.write_text(content, encoding="utf-8")
    frame, dropped = read_upstream(path, CORPORA["quora"], "dev")
    assert list(frame["id"]) == ["c1", "c4"]
    assert dropped == (
        Dropped("dev", "c2", 3, "empty: sentence2"),
        Dropped("dev", "c3", 4, "empty: is_duplicate"),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"file\.csv, line 1: empty, where the names of the columns"),
        (
            SST.replace("sentiment", "mood"),
            r"line 1: no column label or sentiment; found , id, sen",
        ),
        (SST.replace("\t", ";").replace(" , ", " "), r"no column id; found ;id;sentence;sentiment"),
        (SST.replace("\t3", "\t5"), r"row 2: label 5 of sst must be a whole number from 0 to 4"),
        (SST.replace("\t3", "\t-1"), r"row 2: label -1 of sst must be"),
        (SST.replace("\t3", "\t2.5"), r"row 2: label 2\.5 of sst must be a whole number"),
        (SST.replace("\t0\n", "\tgood\n"), r"row 3: label 'good' is not a number"),
        (SST.replace("\t0\n", "\tnan\n"), r"row 3: label 'nan' is not a number"),
        (SST.replace("\t0\n", "\t1_0\n"), r"row 3: label '1_0' is not a number"),
        (SST.replace("\t0\n", "\n"), r"line 3: 3 columns, not 4"),
        (SST.replace(" Dull", "Du\tll"), r"line 3: 5 columns, not 4"),
        (SST.replace("Dull", "Du\0ll"), r"row 3: a NUL byte; this is not a text file"),
        (SST.encode().replace(b"Dull", b"D\xe9j\xe0"), r"row 3: byte 0xe9 is not UTF-8 text"),
        (SST.encode("utf-16"), r"row 1: byte 0xff is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00" + bytes(range(256)), r"row 1: byte 0x8b is not UTF-8 text"),
    ],
)
def test_an_unreadable_file_is_refused_by_name_and_row(
    path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(CorpusError, match=said) as refused:
        upstream(path, content)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rows_are_counted_in_lines_even_after_a_field_of_several(path: Path) -> None:
    content = SST.replace(" Fine , really .", '"one\ntwo\nthree"').replace("\t0\n", "\t9\n")
    with pytest.raises(CorpusError, match="row 5: label 9 of sst"):
        upstream(path, content)


@pytest.mark.parametrize(("label", "accepted"), [("5.0", True), ("5.1", False), ("-0.1", False)])
def test_similarity_runs_from_0_to_5(path: Path, label: str, accepted: bool) -> None:
    content = STS.replace("1.25", label)
    if accepted:
        assert list(upstream(path, content, "sts")["label"]) == [5.0]
    else:
        with pytest.raises(CorpusError, match=f"label {label} of sts must be a number from 0 to 5"):
            upstream(path, content, "sts")


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(CorpusError, match=r"file\.csv cannot be read: No such file"):
        read_split(path, CORPORA["sst"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,first,label\na,b,1\n", r"row 1: no column second; expected id, first, second, label"),
        ("id\tfirst\tsecond\tlabel\n", r"row 1: no column id, .* separated by commas"),
        ("id,first,second,label\na,b,,x\n", r"row 2: label 'x' is not a number"),
        ("id,first,second,label\na,b,,1\nc,d\n", r"row 3: 2 columns, expected 4"),
        ("id,first,second,label\na,b,c,1\n", r"row 2: sst has no second sentence"),
        ("id,first,second,label\na,b\0,,1\n", r"row 2: a NUL byte"),
    ],
)
def test_an_unreadable_split_is_refused_by_name_and_row(
    path: Path, content: str, said: str
) -> None:
    with pytest.raises(CorpusError, match=said) as refused:
        uniform(path, content)
    assert str(path) in str(refused.value)


def test_what_validation_judges_is_read_as_it_is(path: Path) -> None:
    frame = uniform(path, "id,first,second,label\na,,,9\na, x ,,2.5\n")
    assert rows(frame) == [("a", "", "", 9.0), ("a", " x ", "", 2.5)]


def test_a_written_split_looks_as_the_schema_says(path: Path) -> None:
    frame = upstream(path, QUORA + '8\tc2\t"Why, ""oh"" why?"\tÜber\t0\n', "quora")
    write_split(path, frame, CORPORA["quora"])
    assert path.read_bytes().decode() == (
        "id,first,second,label\nc1,Why?,How?,1\n" + 'c2,"Why, ""oh"" why?",Über,0\n'
    )


@pytest.mark.parametrize(
    ("name", "label", "written"),
    [
        ("sst", 3.0, "3"),
        ("cfimdb", 1.0, "1"),
        ("sts", 3.8, "3.8"),
        ("sts", 3.0, "3.0"),
        ("sts", 0.00001, "0.00001"),
        ("sts", math.nan, ""),
        ("sst", math.nan, ""),
    ],
)
def test_labels_are_whole_for_classes_and_decimal_for_similarity(
    path: Path, name: CorpusName, label: float, written: str
) -> None:
    second = "b" if CORPORA[name].is_pair else ""
    frame = pd.DataFrame({"id": ["i"], "first": ["a"], "second": [second], "label": [label]})
    write_split(path, frame, CORPORA[name])
    assert path.read_text(encoding="utf-8").splitlines()[1] == f"i,a,{second},{written}"
    pd.testing.assert_frame_equal(read_split(path, CORPORA[name]), frame)


@pytest.mark.parametrize(
    "text",
    [
        "a,b",
        'say "so"',
        "two\nlines",
        "car\rriage",
        "both\r\n",
        "\r",
        '"',
        "tab\there",
        " spaced ",
        "\u2028",
        "\x85",
        "𝔘nicode",
        "NA",
        "null",
        "007",
        "1e5",
        "'",
        "#",
        "\\",
    ],
)
def test_text_comes_back_as_it_was_written(path: Path, text: str) -> None:
    frame = pd.DataFrame(
        {"id": ["1", "2"], "first": [text, "x"], "second": ["y", text], "label": [0.1, math.nan]}
    )
    write_split(path, frame, CORPORA["sts"])
    assert rows(read_split(path, CORPORA["sts"]))[0] == ("1", text, "y", 0.1)
    assert rows(read_split(path, CORPORA["sts"]))[1][:3] == ("2", "x", text)


def test_a_split_without_examples_is_a_header(path: Path) -> None:
    write_split(path, empty_split(), CORPORA["quora"])
    assert path.read_text(encoding="utf-8") == "id,first,second,label\n"
    pd.testing.assert_frame_equal(read_split(path, CORPORA["quora"]), empty_split())


def own(
    path: Path, content: str, name: CorpusName = "sts", split: Split = "dev"
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    path.write_text(content, encoding="utf-8")
    return read_upstream(path, CORPORA[name], split)


@pytest.mark.parametrize(
    "content",
    [
        "id,first,second,label\nb1,A dog.,A cat.,1.25\n",
        "label,second,first,id\n1.25,A cat.,A dog.,b1\n",
        "id\tsentence1\tsentence2\tsimilarity\nb1\tA dog.\tA cat.\t1.25\n",
        STS,  # the course's own, under the name of a CSV file
        "id\tquestion1\tquestion2\tlabel\nb1\tA dog.\tA cat.\t1.25\n",
        'id,first,second,label\n"b1"," A dog. ","A cat.",1.25\n',
    ],
)
def test_own_files_are_read_under_our_names_or_the_courses(path: Path, content: str) -> None:
    frame, dropped = own(path, content)
    assert rows(frame) == [("b1", "A dog.", "A cat.", 1.25)]
    assert dropped == ()


def test_own_tabbed_files_need_no_quoting(path: Path) -> None:
    content = 'id\ttext\tlabel\na1\t"I sat through worse.\t1\na2\tA chore."\t0\n'
    frame, _ = own(path.with_suffix(".tsv"), content, "sst")
    assert list(frame["first"]) == ['"I sat through worse.', 'A chore."']


def test_an_own_test_split_needs_no_labels_and_a_single_sentence_no_second(path: Path) -> None:
    frame, _ = own(path, "id,text\na1,Fine.\n", "sst", "test")
    assert rows(frame)[0][:3] == ("a1", "Fine.", "")
    assert frame["label"].isna().all()


def test_own_rows_with_a_gap_are_dropped_and_named(path: Path) -> None:
    frame, dropped = own(path, "id,first,second,label\nb1,A dog.,,1\nb2,Yes.,No.,\nb3,a,b,5\n")
    assert list(frame["id"]) == ["b3"]
    assert [(row.row, row.reason) for row in dropped] == [
        (2, "empty: second"),
        (3, "empty: label"),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("first,second,label\na,b,1\n", "line 1: no column id; found first, second, label"),
        ("id,first,label\n1,b,1\n", "line 1: no column second or sentence2 or question2; found"),
        ("id,first,second,label\n1,a,b,5.5\n", "row 2: label 5.5 of sts must be a number from 0"),
        ("id,first,second,label\n1,a,b,high\n", "row 2: label 'high' is not a number"),
        ("id,first,second,label\n1,a,b\n", "line 2: 3 columns, not 4"),
        ("", "line 1: empty"),
    ],
)
def test_an_own_file_that_cannot_be_read_is_refused_by_name_and_line(
    path: Path, content: str, problem: str
) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(path)) + r",? " + problem):
        own(path, content)
