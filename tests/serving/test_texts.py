"""Texts: every file format is read, and anything but text is rejected with the line.

tests/data/test_tables.py tests how tables are parsed.
"""

import io

import pytest

from pipeline.errors import InputError
from pipeline.serving.texts import Format, Text, read_texts


def read(data: bytes, form: Format) -> list[Text]:
    return list(read_texts(io.BytesIO(data), "file", form).texts)


@pytest.mark.parametrize(
    ("data", "form", "texts"),
    [
        (b"a b\r\n c, d \n", "txt", [Text(1, "a b"), Text(2, "c, d")]),
        (b"\xef\xbb\xbfa\n", "txt", [Text(1, "a")]),
        (b"text\na\n", "csv", [Text(2, "a")]),
        (b'id,first,second,label\nx,"a, b",,0\n', "csv", [Text(2, "a, b", "", "x")]),
        (b'sentence\n"a\nb"\nc\n', "csv", [Text(2, "a\nb"), Text(4, "c")]),
        (b"sentence1\tsentence2\na, b\tc\n", "csv", [Text(2, "a, b", "c")]),
        (b'text\na, b\n"c\n', "tsv", [Text(2, "a, b"), Text(3, '"c')]),
        (b"first,second\na,b\n", "tsv", [Text(2, "a", "b")]),
        (b"question1\tquestion2\ta\nb?\tc?\t0\n", "tsv", [Text(2, "b?", "c?")]),
        (b'sentence\tid\n"a\tx\nb"\ty\n', "tsv", [Text(2, '"a', "", "x"), Text(3, 'b"', "", "y")]),
        (b'{"question1": "a", "question2": "b"}\n', "jsonl", [Text(1, "a", "b")]),
        (b'"a"\n{"text": "b", "id": 7}\n', "jsonl", [Text(1, "a"), Text(2, "b", "", "7")]),
        (b'{"first": "a", "second": "b"}\n', "jsonl", [Text(1, "a", "b")]),
    ],
)
def test_files_of_every_input_format_are_read(data: bytes, form: Format, texts: list[Text]) -> None:
    assert read(data, form) == texts


def test_incomplete_pairs_are_left_out() -> None:
    found = read_texts([b"first,second\n", b"a,b\n", b"c,\n", b",d\n", b"\n"], "file", "csv")
    assert found.is_pairs
    assert [text.line for text in found.texts] == [2]
    assert found.left_out == [3, 4, 5]


@pytest.mark.parametrize(
    ("data", "form", "error"),
    [
        (b"a\nb\xff\n", "txt", "file, line 2: byte 0xff is not UTF-8 text"),
        (b"a\n\0\n", "txt", "file, line 2: a NUL byte"),
        (b"", "txt", "file has no text"),
        (b"a,b\n", "csv", r"file, line 1: no column first .*, found \['a', 'b'\]"),
        (b'"a"\n{\n', "jsonl", r"file, line 2: not JSON \("),
        (b"[" * 100_000, "jsonl", r"file, line 1: not JSON \("),
        (b"3\n", "jsonl", "file, line 1: neither a string nor an object with 'first'"),
        (b'{"first": 3}\n', "jsonl", "file, line 1: 'first' is not a string: 3"),
        (b'"\\ud800"\n', "jsonl", "file, line 1: not UTF-8 text"),
    ],
)
def test_anything_but_text_is_rejected_with_the_line(data: bytes, form: Format, error: str) -> None:
    with pytest.raises(InputError, match=error):
        read(data, form)
