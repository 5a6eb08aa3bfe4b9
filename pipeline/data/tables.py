"""Parses tables into rows of fields, with the line on which each row begins.

Comma-separated files are CSV: fields may be quoted, and quoted fields may contain commas and line
feeds. Tab-separated files come in two formats that look alike: in GLUE's, a quotation mark is an
ordinary character; the course's are CSV with tabs. Parsed as CSV, a GLUE file would lose the rows
after an unpaired mark. So if every line of a tab-separated file has as many columns as the header,
every line is a row, and its fields count as quoted only if all fields of the file that contain a
quotation mark are quoted as in CSV. Otherwise, the file must be CSV with tabs.
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
FIRST_NAMES = ("first", "text", "sentence", "sentence1", "question1")  # ours, the course's, GLUE's
SECOND_NAMES = ("second", "sentence2", "question2")
NUM_SHOWN = 5  # most line ranges in one message
ENCLOSE = "quotation marks enclose fields"

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """A header and its rows, each as wide as the header or empty."""

    columns: Sequence[str]
    rows: Sequence[Row]  # each with the line on which it begins; a blank line has no fields
    assumed: str = ""  # how quotation marks were interpreted, if that is not obvious


def read_table(
    text: str, name: str, form: Literal["csv", "tsv"], error_type: type[PipelineError]
) -> Table:
    r"""Parse a table.

    Args:
        text: the whole file, without a byte order mark; lines end with \n or \r\n.
        name: the name of the file, for messages.
        form: decides whether tabs or commas separate columns, if the header has neither.
        error_type: the type of the error to raise.

    Raises:
        PipelineError: the table cannot be parsed; the error has the given type and names the line.
    """
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    if not lines[0].strip():
        raise error_type(f"{name}, line 1: empty; it must contain the names of the columns")
    is_tabbed = "\t" in lines[0] or (form == "tsv" and "," not in lines[0])
    try:
        return _tabbed(text, lines) if is_tabbed else _csv(text, lines, ",")
    except csv.Error as error:
        raise error_type(f"{name}, {error}") from None


def _tabbed(text: str, lines: Sequence[str]) -> Table:
    """Parse every line as a row if possible, otherwise the text as CSV with tabs."""
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
    """Return what is wrong with the first line that is not a row, or "" if all lines are rows."""
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
        assumed = f"quotation marks count as text: in line {bare}, one does not enclose a field"
        return Table(rows[0][1], rows[1:], assumed)
    rows = [
        (n, [f[1:-1].replace('""', '"') if f.startswith('"') else f for f in fields])
        for n, fields in rows
    ]
    return Table(rows[0][1], rows[1:], ENCLOSE if marked else "")


def _csv(text: str, lines: Sequence[str], delimiter: str) -> Table:
    """Parse a table as CSV; quoted fields may span several lines.

    Raises:
        csv.Error: the table cannot be parsed; the message has the line number.
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
        raise csv.Error(f"line {line}: {_explained(error)}") from None
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


def _explained(error: csv.Error) -> str:
    """Return an error of the csv module in words that users understand."""
    if "new-line" in str(error):
        return NOT_A_LINE_END
    is_open = "end of data" in str(error)
    why = "a quotation mark opens a field that none closes" if is_open else error
    return f'{why}; enclose a field that contains quotation marks, and write each of them twice: ""'


def _places(rows: Sequence[Row], lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the first and last line of each row."""
    starts = [line for line, _ in rows]
    ends = [line - 1 for line in starts[1:]] + [len(lines)]
    return zip(starts, ends, strict=True)


def _check_swallowed(table: Table, lines: Sequence[str]) -> None:
    """Reject a row that contains other rows because quotation marks of two rows were paired.

    In a genuine row, at most one line contains all the tabs.
    """
    width = len(table.columns)
    for first, last in _places(table.rows, lines):
        whole = [n for n in range(first, last + 1) if _width(lines[n - 1]) == width]
        if len(whole) > 1:
            raise csv.Error(f"lines {first} to {last} would become one row")
