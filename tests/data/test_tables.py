"""Tables: no quotation mark swallows a row, and assumptions are reported."""

import re

import pytest

from pipeline.data.tables import read_table
from pipeline.errors import CorpusError, InputError

TEXT = r"^quotation marks count as text: in line {}, one does not enclose a field$"
ENCLOSE = "^quotation marks enclose fields$"


@pytest.mark.parametrize(
    ("lines", "rows", "assumed"),
    [
        (['a\t"b', "c\td", 'e\tf"'], [["a", '"b'], ["c", "d"], ["e", 'f"']], TEXT.format(2)),
        (['"\ta', 'b\t"'], [['"', "a"], ["b", '"']], TEXT.format(2)),
        (['a\t"b" c', 'd\t"e"'], [["a", '"b" c'], ["d", '"e"']], TEXT.format(2)),
        (['a\tb "c" d', 'e\t""f""'], [["a", 'b "c" d'], ["e", '""f""']], TEXT.format(2)),
        (['a\t" b"""', 'c\t""'], [["a", ' b"'], ["c", ""]], ENCLOSE),
        (['a\t"say ""b"", c"', "d\te"], [["a", 'say "b", c'], ["d", "e"]], ENCLOSE),
        (["a\tb, c", "d\te"], [["a", "b, c"], ["d", "e"]], "^$"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_line_is_a_row_if_that_is_possible(
    lines: list[str], rows: list[list[str]], assumed: str, end: str
) -> None:
    for text in (end.join(["x\ty", *lines]), end.join(["x\ty", *lines, ""])):
        table = read_table(text, "file", "tsv", InputError)
        assert table.columns == ["x", "y"]
        assert table.rows == list(enumerate(rows, 2))
        assert re.search(assumed, table.assumed)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_enclosed_fields_may_contain_tabs_and_line_feeds(end: str) -> None:
    lines = ["x\ty", '"a', 'b"\tc', "", 'd\t"e', "", "f", 'g"', 'h\t"i\tj"', 'say "k"\tl']
    table = read_table(end.join(lines), "file", "tsv", InputError)
    assert table.rows == [
        (2, [f"a{end}b", "c"]),
        (4, []),
        (5, ["d", f"e{end}{end}f{end}g"]),
        (9, ["h", "i\tj"]),
        (10, ['say "k"', "l"]),
    ]
    assert table.assumed == (
        "quotation marks enclose fields, and rows have several lines: 2 to 3, 5 to 8"
    )


def test_rows_with_several_lines_are_reported_with_examples() -> None:
    table = read_table("x,y\n" + '"a\nb",c\n' * 6, "file", "csv", InputError)
    assert table.rows == [(line, ["a\nb", "c"]) for line in range(2, 14, 2)]
    places = "2 to 3, 4 to 5, 6 to 7, 8 to 9, 10 to 11, ..."
    assert table.assumed == f"quotation marks enclose fields, and rows have several lines: {places}"


@pytest.mark.parametrize("text", ["", "\n", " \r\nx,y\n", "\t\na\tb\n"])
def test_a_table_without_column_names_is_rejected(text: str) -> None:
    with pytest.raises(InputError, match=r"^file, line 1: empty; it must contain the names of"):
        read_table(text, "file", "csv", InputError)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\ty\na\tb\nc\td\te\n", "line 3: 3 columns, not 2$"),
        ("x\ty\ra\tb\r", "line 1: a carriage return inside a line; end lines with line feeds$"),
        (
            'x\ty\na\t"b\nc\td\te\nf\tg"\n',
            "line 3: 3 columns, not 2; with fields in quotation marks, lines 2 to 4 would become",
        ),
        (
            'x\ty\na\t"b\nc\td\nf\tg"\nh\n',
            "line 5: 1 columns, not 2; with fields in quotation marks, line 5: 1 columns, not 2$",
        ),
        (
            'x\ty\nh\na\t"b\n',
            "line 2: 1 columns, not 2; .* line 3: a quotation mark opens a field that none",
        ),
        ('x,y\na,"b\nc,d\n', "line 2: a quotation mark opens a field that none closes; enclose "),
        ('x,y\na,b\nc,"\n', "line 3: a quotation mark opens a field that none closes; enclose "),
        ("x,y\na,b,c\n", "line 2: 3 columns, not 2$"),
        ('x,y\na,"b" c\n', "line 2: ',' expected after '\"'; enclose a field that .*: \"\"$"),
        ('x,y\na,"b\nc"\nd\n', "line 4: 1 columns, not 2$"),
        ("x,y\ra,b\r", "line 1: a carriage return inside a line; end lines with line feeds$"),
    ],
)
def test_a_table_that_cannot_be_parsed_is_rejected_with_the_line(text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=f"^file, {message}"):
        read_table(text, "file", "csv", CorpusError)
