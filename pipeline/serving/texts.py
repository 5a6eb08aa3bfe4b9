"""Reads the texts to predict from plain lines, CSV or TSV tables, or JSON lines.

Each text keeps its line number, counted from 1. If bytes are not UTF-8, the error message names the
line. Lines without text or with only half of a pair are left out, and their numbers are kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pipeline.data.tables import FIRST_NAMES, SECOND_NAMES, Table, read_table
from pipeline.errors import InputError

Format = Literal["txt", "csv", "tsv", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Text:
    """A sentence or a pair of sentences."""

    line: int  # in its file
    first: str
    second: str = ""
    id: str | None = None


@dataclass(frozen=True)
class Texts:
    """The texts to predict, which are either all single sentences or all pairs."""

    texts: Sequence[Text]
    is_pairs: bool
    left_out: Sequence[int]  # line numbers
    assumed: str = ""  # how an ambiguous file was interpreted


def of_arguments(sentences: Sequence[str], pairs: Sequence[Sequence[str]]) -> Texts:
    """Take texts from the command line; the position of a text is its line number."""
    given = [(text, "") for text in sentences] + [(first, second) for first, second in pairs]
    return _sorted_out("the command line", [Text(n, *both) for n, both in enumerate(given, 1)])


def read_texts(data: Iterable[bytes], name: str, form: Format) -> Texts:
    """Read texts from the lines of a file.

    Args:
        data: the lines, such as those of an open binary file.
        name: the name of the file, for messages.
        form: txt has a sentence per line. csv and tsv are tables with a header; they use tabs if
            the header does, otherwise commas. jsonl has a string or an object per line. Columns and
            keys are `first` and `second`, or the course's or GLUE's names; an `id` is kept.

    Raises:
        InputError: a line is not in this format.
    """
    lines = _decoded(data, name)
    match form:
        case "txt":
            return _sorted_out(name, [Text(number, line) for number, line in enumerate(lines, 1)])
        case "csv" | "tsv":
            table = read_table("".join(lines), name, form, InputError)
            return replace(_sorted_out(name, list(_of_table(table, name))), assumed=table.assumed)
        case "jsonl":
            return _sorted_out(name, list(_of_json(lines, name)))


def _decoded(data: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield lines as text, including line ends, and drop a byte order mark at the start."""
    for number, line in enumerate(data, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise InputError(
                f"{name}, line {number}: byte {byte:#04x} is not UTF-8 text; save it as UTF-8"
            ) from None
        if "\0" in text:
            raise InputError(f"{name}, line {number}: a NUL byte; this is not a text file")
        yield text


def _of_table(table: Table, name: str) -> Iterator[Text]:
    if not set(table.columns) & set(FIRST_NAMES):
        raise InputError(
            f"{name}, line 1: no column {' or '.join(FIRST_NAMES)}, "
            f"found {list(table.columns)!s:.100}"
        )
    for line, row in table.rows:
        # if two columns have the same name, use the first one
        fields = dict(zip(reversed(table.columns), reversed(row), strict=bool(row)))
        yield _text(line, fields, name)


def _of_json(lines: Iterator[str], name: str) -> Iterator[Text]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            yield Text(number, "")
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}, line {number}: not JSON ({error})") from None
        fields = {"first": value} if isinstance(value, str) else value
        if not isinstance(fields, dict) or not fields.keys() & set(FIRST_NAMES):
            raise InputError(
                f"{name}, line {number}: neither a string nor an object with {FIRST_NAMES[0]!r}"
            )
        yield _text(number, fields, name)


def _text(line: int, fields: Mapping[str, object], name: str) -> Text:
    first, second = (_string(fields, n, name, line) for n in (FIRST_NAMES, SECOND_NAMES))
    return Text(line, first, second, None if fields.get("id") is None else str(fields["id"]))


def _string(fields: Mapping[str, object], names: Sequence[str], name: str, number: int) -> str:
    """Return the text of the first key in `names` that has a value, or "" if none has."""
    for key in names:
        value = fields.get(key)
        if value is not None:
            if not isinstance(value, str):
                raise InputError(f"{name}, line {number}: {key!r} is not a string: {value!s:.40}")
            return value
    return ""


def _sorted_out(name: str, found: Sequence[Text]) -> Texts:
    """Leave out lines without text or with only half of a pair."""
    stripped = [Text(t.line, t.first.strip(), t.second.strip(), t.id) for t in found]
    is_pairs = any(text.second for text in stripped)
    kept = [t for t in stripped if t.first and (t.second or not is_pairs)]
    for text in kept:
        try:  # JSON escapes and shell arguments can contain lone surrogates
            (text.first + text.second).encode()
        except UnicodeEncodeError:
            raise InputError(f"{name}, line {text.line}: not UTF-8 text") from None
    if not kept:
        raise InputError(f"{name} has no text")
    lines = {text.line for text in kept}
    return Texts(kept, is_pairs, [text.line for text in found if text.line not in lines])
