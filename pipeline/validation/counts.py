"""Determines how many rows a corpus should have, and why its number differs from the paper's."""

from dataclasses import dataclass

from pipeline.core.paper import TABLE_1
from pipeline.core.records import Severity
from pipeline.core.tasks import Corpus, CorpusName, Split
from pipeline.data.carving import is_carved
from pipeline.plumbing.params import CorporaParams, LocalCorpora, SyntheticCorpora

COUNTED_WITH_HEADER: tuple[CorpusName, ...] = ("quora", "sts")


@dataclass(frozen=True)
class ExpectedRows:
    """The number of rows that a split should have, its source, and how severe a difference is."""

    note: str  # why the number differs from the paper's Table 1; "" if it does not
    rows: int | None = None  # None: any number
    severity: Severity = "info"
    description: str = ""


def expected_rows(
    corpus: Corpus, split: Split, corpora: CorporaParams, num_rows: int, num_dropped: int
) -> ExpectedRows:
    """Return how many rows a split should have according to the params or the paper's Table 1.

    The user's own files may have any number of rows. The numbers of rows that the split has and
    that were dropped are only needed to explain a difference from the paper.
    """
    if isinstance(corpora, LocalCorpora):
        return ExpectedRows("your own data")
    if isinstance(corpora, SyntheticCorpora):
        rows = int(getattr(corpora.sizes[corpus.name], split))
        asked = f"params.yaml asks for {rows:,} examples."
        return ExpectedRows("synthetic", rows, "critical", asked)
    carved = is_carved(corpus, corpora)
    if carved:
        note = "no test split when carved" if split == "test" else "carved out of quora-dev.csv"
    else:
        note = _published_note(corpus, split, num_rows, num_dropped)
    rows = TABLE_1[corpus.name][split]
    said = f"Table 1 of the paper says {rows:,}{f' ({note})' if note else ''}."
    return ExpectedRows(note, rows, "info" if carved else "warning", said)


def _published_note(corpus: Corpus, split: Split, num_rows: int, num_dropped: int) -> str:
    """Explain a difference by the header line, dropped rows and, for the rest, a misprint."""
    difference = num_rows - TABLE_1[corpus.name][split]
    if not difference:
        return ""
    has_header = corpus.name in COUNTED_WITH_HEADER
    left = difference + has_header + num_dropped
    reasons = {
        "Table 1 counts the header line": has_header,
        f"{_rows(num_dropped)} left out": num_dropped,
        f"the published file has {_rows(abs(left))} {'more' if left > 0 else 'fewer'}": left,
    }
    return "; ".join(reason for reason, number in reasons.items() if number)


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"
