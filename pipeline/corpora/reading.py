"""Corpus files: the upstream format in, the uniform schema in and out.

What no reader could make sense of is refused here, by file and row: a missing column, a cut row,
a label that is no number, bytes that are no text. Rows are counted as lines of the file, the
header being 1. Whether the content is any good is for validation to say.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.errors import CorpusError
from pipeline.files import write_text
from pipeline.tables import FIRST_NAMES, SECOND_NAMES, read_table
from pipeline.tasks import Corpus, CorpusName, Split

SCHEMA = ("id", "first", "second", "label")
LABEL_COLUMNS: dict[CorpusName, str] = {
    "sst": "sentiment",
    "cfimdb": "sentiment",
    "quora": "is_duplicate",
    "sts": "similarity",
}
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
MAX_FIELD_CHARACTERS = 2**31 - 1  # csv's own limit is 131,072


@dataclass(frozen=True)
class Dropped:
    """A row of an upstream file that is not used."""

    split: Split
    id: str
    row: int
    reason: str


def read_upstream(
    path: Path, corpus: Corpus, split: Split
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """Read a file of the CS224N default project, or one of the user's own; CSV or TSV.

    Columns have our names or the course's. Text loses the space around it and is otherwise kept;
    rows with an empty field are dropped. Labels of a test split are not read.

    Returns:
        The rows in the uniform schema, as `read_split` gives them, and the rows dropped.

    Raises:
        CorpusError: a column is missing, a row cannot be read, or a label is none of the corpus's.
    """
    form: Literal["csv", "tsv"] = "tsv" if path.suffix == ".tsv" else "csv"
    table = read_table(_text(path), str(path), form, CorpusError)
    wanted = [("id",), FIRST_NAMES]
    wanted += [SECOND_NAMES] if corpus.is_pair else []
    wanted += [] if split == "test" else [("label", LABEL_COLUMNS[corpus.name])]
    columns = [next((name for name in names if name in table.columns), "") for names in wanted]
    if "" in columns:
        names = " or ".join(wanted[columns.index("")])
        found = ", ".join(table.columns)
        raise CorpusError(f"{path}, line 1: no column {names}; found {found:.100}")
    places = [table.columns.index(name) for name in columns]
    rows = ((line, [fields[place] for place in places]) for line, fields in table.rows if fields)
    return _checked(rows, columns, corpus, path, split)


def _checked(
    rows: Iterable[tuple[int, list[str]]],
    columns: Sequence[str],
    corpus: Corpus,
    path: Path,
    split: Split,
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """Turn rows of id, texts and, if there is one, label into examples; drop those with a gap.

    Raises:
        CorpusError: a label is none of the corpus's.
    """
    examples, dropped = [], []
    for row, values in rows:
        fields = [value.strip() for value in values]
        empty = [column for column, value in zip(columns, fields, strict=True) if not value]
        if empty:
            dropped.append(Dropped(split, fields[0], row, f"empty: {', '.join(empty)}"))
            continue
        key, first, *others = fields
        second = others.pop(0) if corpus.is_pair else ""
        label = _checked_label(others[0], corpus, path, row) if others else math.nan
        examples.append((key, first, second, label))
    return _frame(examples), tuple(dropped)


def read_split(path: Path, corpus: Corpus) -> pd.DataFrame:
    """Read one split in the uniform schema.

    Returns:
        Columns id, first, second (text; `second` is empty unless the corpus is of pairs) and
        label (float64, NaN where a split has none), in the file's order.

    Raises:
        CorpusError: a row that cannot be read. Label ranges and empty texts are validation's.
    """
    examples = []
    for row, (key, first, second, label) in _rows(path, SCHEMA):
        if second and not corpus.is_pair:
            raise CorpusError(f"{path} row {row}: {corpus.name} has no second sentence")
        number = _number(label, path, row) if label else math.nan
        examples.append((key, first, second, number))
    return _frame(examples)


def write_split(path: Path, frame: pd.DataFrame, corpus: Corpus) -> None:
    """Write one split in the uniform schema; labels that are NaN are left empty."""
    text = _UnixLines()
    # csv quotes a carriage return in a field only if rows end with one
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(SCHEMA)
    for key, first, second, label in frame[list(SCHEMA)].itertuples(index=False):
        writer.writerow((key, first, second, _shown(float(label), corpus)))
    write_text(path, text.getvalue())


class _UnixLines(io.StringIO):
    """Takes rows as csv.writer ends them and ends them with a line feed alone."""

    def write(self, row: str) -> int:
        """Append one row."""
        return super().write(row.removesuffix("\r\n") + "\n")


def empty_split() -> pd.DataFrame:
    """Return a split without examples."""
    return _frame([])


def _shown(label: float, corpus: Corpus) -> str:
    """Write a label as the schema wants it: whole for classes, decimal for similarity."""
    if math.isnan(label):
        return ""
    if corpus.has_classes and label.is_integer():
        return str(int(label))
    return np.format_float_positional(label, trim="0")  # repr would write 1e-05


def _frame(examples: Sequence[tuple[str, str, str, float]]) -> pd.DataFrame:
    columns = zip(*examples, strict=True) if examples else ([],) * len(SCHEMA)
    frame = pd.DataFrame(dict(zip(SCHEMA, columns, strict=True)))
    return frame.astype({"id": "str", "first": "str", "second": "str", "label": "float64"})


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's number and its values in `columns`, in that order."""
    reader = csv.reader(open_text(path), strict=True)
    width, places = 0, []
    row = 1
    try:
        for values in reader:
            if row == 1:
                width, places = len(values), _places(values, columns, path)
            elif values and len(values) != width:
                raise CorpusError(
                    f"{path} row {row}: {len(values)} columns, expected {width}; is the row cut?"
                )
            elif values:
                yield row, [values[place] for place in places]
            row = reader.line_num + 1  # a quoted field may run over several lines
    except csv.Error as error:
        raise CorpusError(f"{path} row {row}: {error}") from None
    if not width:
        raise CorpusError(f"{path} is empty; expected a header with {', '.join(columns)}")


def open_text(path: Path) -> io.StringIO:
    """Open a whole file for a reader of CSV, with fields of any length.

    UTF-8, with or without a byte order mark; line ends stay as they are.

    Raises:
        CorpusError: the file cannot be read or is not text.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    return io.StringIO(_text(path), newline="")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CorpusError(
            f"{path} cannot be read: {error.strerror}; `dvc repro` makes it"
        ) from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise CorpusError(f"{path} row {row}: byte {byte:#04x} is not UTF-8 text") from None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise CorpusError(f"{path} row {row}: a NUL byte; this is not a text file")
    return text


def _places(header: Sequence[str], columns: Sequence[str], path: Path) -> list[int]:
    """Return where each column stands; unnamed and further columns do not matter."""
    missing = [column for column in columns if column not in header]
    if missing:
        raise CorpusError(
            f"{path} row 1: no column {', '.join(missing)}; expected {', '.join(columns)} "
            f"separated by commas, found {str(list(header))[:120]}"
        )
    return [header.index(column) for column in columns]


def _number(text: str, path: Path, row: int) -> float:
    # float() alone would take "nan", "1_0" and "infinity"
    if not NUMBER.fullmatch(text):
        raise CorpusError(f"{path} row {row}: label {text[:40]!r} is not a number")
    return float(text)


def _checked_label(text: str, corpus: Corpus, path: Path, row: int) -> float:
    """Return an upstream label, refusing what the corpus does not have."""
    label = _number(text, path, row)
    if not 0 <= label <= corpus.max_label or (corpus.has_classes and not label.is_integer()):
        kind = "a whole number" if corpus.has_classes else "a number"
        raise CorpusError(
            f"{path} row {row}: label {text} of {corpus.name} must be {kind} "
            f"from 0 to {corpus.max_label}"
        )
    return label
