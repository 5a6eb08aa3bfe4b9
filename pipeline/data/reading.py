"""Reads corpus files in the upstream format; reads and writes the uniform schema.

If a column is missing, a row is cut off, a label is not a number, or bytes are not text, the
functions raise an error with the file and line. Validation checks the content.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.core.files import write_text
from pipeline.core.records import Dropped
from pipeline.core.tasks import Corpus, CorpusName, Split
from pipeline.data.tables import FIRST_NAMES, MAX_FIELD_CHARACTERS, SECOND_NAMES, Row, read_table
from pipeline.errors import CorpusError

SCHEMA = ("id", "first", "second", "label")
LABEL_COLUMNS: dict[CorpusName, str] = {
    "sst": "sentiment",
    "cfimdb": "sentiment",
    "quora": "is_duplicate",
    "sts": "similarity",
}
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")  # float() also accepts "nan", "1_0", "infinity"


def read_upstream(
    path: Path, corpus: Corpus, split: Split
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """Read a CSV or TSV file from the CS224N default project or the user.

    The columns may have our names or the course's. Strip spaces around fields, drop rows with an
    empty field, and ignore the labels of a test split.

    Returns:
        The rows in the uniform schema, as `read_split` returns them, and the dropped rows.

    Raises:
        CorpusError: a column is missing, a row cannot be read, or a label is not valid.
    """
    wanted = [("id",), FIRST_NAMES, *[SECOND_NAMES][: corpus.is_pair]]
    wanted += [] if split == "test" else [("label", LABEL_COLUMNS[corpus.name])]
    columns, rows = _rows(path, wanted)
    examples, dropped = [], []
    for line, values in rows:
        fields = [value.strip() for value in values]
        empty = [column for column, field in zip(columns, fields, strict=True) if not field]
        if empty:
            dropped.append(Dropped(split, fields[0], line, f"empty: {', '.join(empty)}"))
            continue
        key, first, *others = fields
        second = others.pop(0) if corpus.is_pair else ""
        label = _label(others[0], f"{path}, line {line}", corpus) if others else math.nan
        examples.append((key, first, second, label))
    return frame_of(examples), tuple(dropped)


def read_split(path: Path, corpus: Corpus) -> pd.DataFrame:
    """Read one split in the uniform schema.

    Returns:
        The rows in file order, with the columns id, first, second (text; `second` is empty if the
        corpus has no pairs) and label (float64, NaN if it is missing).

    Raises:
        CorpusError: a row cannot be read. Validation checks label ranges and empty texts.
    """
    examples = []
    for line, (key, first, second, label) in _rows(path, [(name,) for name in SCHEMA])[1]:
        place = f"{path}, line {line}"
        if second and not corpus.is_pair:
            raise CorpusError(f"{place}: {corpus.name} has no second sentence; leave it empty")
        examples.append((key, first, second, _label(label, place) if label else math.nan))
    return frame_of(examples)


def read_as_text(path: Path) -> pd.DataFrame:
    """Read a CSV file as text; only fields that are missing at the end of a row are NaN.

    Raises:
        CorpusError: the file is missing or is not CSV.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    text = _text(path)
    try:
        header, *rows = filter(None, csv.reader(io.StringIO(text, newline=""), strict=True))
        if any(len(row) > len(header) for row in rows):
            raise csv.Error("a row is longer than the header")
    except (csv.Error, ValueError) as error:
        problem = error if text.strip() else "it is empty"
        raise CorpusError(f"{path} cannot be read: {problem}") from None
    whole = [row + [None] * (len(header) - len(row)) for row in rows]
    return pd.DataFrame(whole, columns=header, dtype="str")


def write_split(path: Path, frame: pd.DataFrame, corpus: Corpus) -> None:
    """Write one split in the uniform schema, with empty fields for NaN labels."""
    lines = [",".join(SCHEMA)]
    for *texts, label in frame[list(SCHEMA)].itertuples(index=False):
        # before Python 3.13, csv.writer does not quote a field that contains a carriage return
        fields = [
            '"' + text.replace('"', '""') + '"' if re.search('[",\r\n]', text) else text
            for text in texts
        ]
        lines.append(",".join([*fields, _shown(float(label), corpus)]))
    write_text(path, "\n".join([*lines, ""]))


def frame_of(examples: Sequence[tuple[str, str, str, float]]) -> pd.DataFrame:
    """Return a split as a frame; each example is an id, a first and a second text, and a label."""
    frame = pd.DataFrame(examples, columns=list(SCHEMA))
    return frame.astype({"id": "str", "first": "str", "second": "str", "label": "float64"})


def _shown(label: float, corpus: Corpus) -> str:
    """Format a label: an integer for classes, a decimal for similarities, "" for NaN."""
    if math.isnan(label):
        return ""
    if corpus.has_classes and label.is_integer():
        return str(int(label))
    return np.format_float_positional(label, trim="0")  # repr would write 1e-05


def _rows(path: Path, wanted: Sequence[Sequence[str]]) -> tuple[list[str], list[Row]]:
    """Read the wanted columns of a table; each may have one of several names.

    Returns:
        The names of these columns, and the line number and these columns' values for each row.

    Raises:
        CorpusError: a column is missing, or the table cannot be parsed.
    """
    form: Literal["csv", "tsv"] = "tsv" if path.suffix == ".tsv" else "csv"
    table = read_table(_text(path), str(path), form, CorpusError)
    columns = [next((name for name in names if name in table.columns), "") for names in wanted]
    if "" in columns:
        names = " or ".join(wanted[columns.index("")])
        found = ", ".join(table.columns)
        raise CorpusError(f"{path}, line 1: no column {names}; found {found:.100}")
    places = [table.columns.index(name) for name in columns]
    return columns, [(line, [row[place] for place in places]) for line, row in table.rows if row]


def _text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte order mark, without changing line endings.

    Raises:
        CorpusError: the file cannot be read or is not text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        remedy = "; `dvc repro` makes it" if isinstance(error, FileNotFoundError) else ""
        raise CorpusError(f"{path} cannot be read: {error.strerror}{remedy}") from None
    bad, problem = data.find(b"\0"), "a NUL byte; this is not a text file"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad, problem = error.start, f"byte {data[error.start]:#04x} is not UTF-8 text"
    if bad >= 0:
        line = data.count(b"\n", 0, bad) + 1
        raise CorpusError(f"{path}, line {line}: {problem}")
    return text


def _label(text: str, place: str, corpus: Corpus | None = None) -> float:
    """Parse a label; reject text that is not a number or, given a corpus, not one of its labels."""
    if not NUMBER.fullmatch(text):
        raise CorpusError(f"{place}: label {text[:40]!r} is not a number")
    label = float(text)
    if corpus is None:
        return label
    if not 0 <= label <= corpus.max_label or (corpus.has_classes and not label.is_integer()):
        kind = "a whole number" if corpus.has_classes else "a number"
        raise CorpusError(
            f"{place}: label {text} of {corpus.name} must be {kind} from 0 to {corpus.max_label}"
        )
    return label
