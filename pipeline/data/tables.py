"""Tables as text: cut into rows of fields, with the lines at which they begin.

Comma-separated files are CSV: quotation marks enclose fields, and what is enclosed may hold commas
and line feeds. Tab-separated files come in two kinds that nothing in them tells apart: GLUE's, in
which a quotation mark is a character like any other, and those of the course, which are CSV with
tabs. Read as the wrong one, a mark that nothing closes swallows the rows after it. So: where every
line of a tab-separated file has the header's number of columns, every line is a row, and quotation
marks enclose fields only if each field that has one is enclosed as CSV does it; where some line has
not, the file is CSV with tabs, or is refused.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import PipelineError

MAX_FIELD_CHARACTERS = 2**31 - 1  # csv's own limit is 131,072
ENCLOSED = re.compile(r'"[^"]*(?:""[^"]*)*"')
NOT_A_LINE_END = "a carriage return inside a line; end lines with line feeds"
FIRST_NAMES = ("first", "text", "sentence", "sentence1", "question1")  # ours, course's, GLUE's
SECOND_NAMES = ("second", "sentence2", "question2")
NUM_SHOWN = 5  # places in one message
ENCLOSE = "quotation marks enclose fields"

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """A header and the rows under it, all of them as wide as the header or empty."""

    columns: Sequence[str]
    rows: Sequence[Row]  # each with the line at which it begins; a blank line has no fields
    assumed: str = ""  # a clause on how quotation marks were read, where that could be doubted


def read_table(
    text: str, name: str, form: Literal["csv", "tsv"], error_type: type[PipelineError]
) -> Table:
    r"""Cut a table into rows.

    Args:
        text: of the whole file, without a byte order mark; lines end with \n or \r\n.
        name: of the file, for messages.
        form: decides whether tabs or commas separate columns, if the header has neither.
        error_type: of what is raised.

    Raises:
        PipelineError: of that type, with the line, where rows cannot be told apart.
    """
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    if not lines[0].strip():
        raise error_type(f"{name}, line 1: empty, where the names of the columns are to be")
    is_tabbed = "\t" in lines[0] or (form == "tsv" and "," not in lines[0])
    try:
        return _tabbed(text, lines) if is_tabbed else _csv(text, lines, ",")
    except csv.Error as error:
        raise error_type(f"{name}, {error}") from None


def _tabbed(text: str, lines: Sequence[str]) -> Table:
    """Take every line for a row if it can be one, else let quotation marks enclose fields."""
    ragged = _ragged(lines)
    if not ragged:
        return _line_by_line(lines)
    if '"' not in text:
        raise csv.Error(ragged)
    try:
        table = _csv(text, lines, "\t")
        _check_swallowed(table, lines)
    except csv.Error as error:
        raise csv.Error(f"{ragged}; with fields in quotation marks, {error}") from None
    return table


def _ragged(lines: Sequence[str]) -> str:
    """Say which line is the first that is no row by itself; "" if all are."""
    width = _width(lines[0])
    for number, line in enumerate(lines, 1):
        if "\r" in line:
            return f"line {number}: {NOT_A_LINE_END}"
        if line and _width(line) != width:
            return f"line {number}: {_width(line)} columns, not {width}"
    return ""


def _width(line: str) -> int:
    return line.count("\t") + 1


def _line_by_line(lines: Sequence[str]) -> Table:
    rows = [(n, line.split("\t") if line else []) for n, line in enumerate(lines, 1)]
    marked = [(n, field) for n, fields in rows for field in fields if '"' in field]
    bare = next((n for n, field in marked if not ENCLOSED.fullmatch(field)), None)
    if bare is not None:
        assumed = f"quotation marks are taken for text: line {bare} has one that encloses no field"
        return Table(rows[0][1], rows[1:], assumed)
    rows = [
        (n, [f[1:-1].replace('""', '"') if f.startswith('"') else f for f in fields])
        for n, fields in rows
    ]
    return Table(rows[0][1], rows[1:], ENCLOSE if marked else "")


def _csv(text: str, lines: Sequence[str], delimiter: str) -> Table:
    """Let quotation marks enclose fields, which may then run over several lines.

    Raises:
        csv.Error: with the line.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for fields in reader:
            rows.append((line, fields))
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(f"line {line}: {_why(error)}") from None
    width = len(rows[0][1])
    for line, fields in rows:
        if fields and len(fields) != width:
            raise csv.Error(f"line {line}: {len(fields)} columns, not {width}")
    long = [f"{first} to {last}" for first, last in _places(rows, lines) if first < last]
    assumed = ENCLOSE if delimiter == "\t" or long else ""
    if long:
        more = ", ..." if len(long) > NUM_SHOWN else ""
        assumed += f", and rows have several lines: {', '.join(long[:NUM_SHOWN])}{more}"
    return Table(rows[0][1], rows[1:], assumed)


def _why(error: csv.Error) -> str:
    """Say in other words what csv cannot read."""
    if "new-line" in str(error):
        return NOT_A_LINE_END
    is_open = "end of data" in str(error)
    why = "a quotation mark opens a field and none closes it" if is_open else error
    return f"{why}; CSV encloses a field that has quotation marks in them, and doubles its own"


def _places(rows: Sequence[Row], lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each row."""
    starts = [line for line, _ in rows]
    ends = [line - 1 for line in starts[1:]] + [len(lines)]
    return zip(starts, ends, strict=True)


def _check_swallowed(table: Table, lines: Sequence[str]) -> None:
    """Refuse a row with other rows inside: a mark that is text has met one in a later row.

    Of the lines of a true row, one at most has all its tabs.
    """
    width = len(table.columns)
    for first, last in _places(table.rows, lines):
        whole = [n for n in range(first, last + 1) if _width(lines[n - 1]) == width]
        if len(whole) > 1:
            raise csv.Error(f"lines {first} to {last} would become one row")
