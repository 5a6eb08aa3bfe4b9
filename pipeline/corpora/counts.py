"""How many rows a corpus should have, and why it has not."""

from dataclasses import dataclass

from pipeline.corpora.findings import Severity
from pipeline.paper import TABLE_1
from pipeline.params import CorporaParams, Cs224nCorpora, LocalCorpora, SyntheticCorpora
from pipeline.tasks import Corpus, CorpusName, Split

COUNTED_WITH_HEADER: tuple[CorpusName, ...] = ("quora", "sts")


@dataclass(frozen=True)
class ExpectedRows:
    """How many rows a split should have, who says so, and how bad it is if it has not."""

    rows: int
    severity: Severity
    description: str


def is_carved(corpus: Corpus, corpora: CorporaParams) -> bool:
    """Say whether train and dev of this corpus are carved out of one file."""
    return (
        corpus.name == "quora"
        and isinstance(corpora, Cs224nCorpora)
        and corpora.quora_split == "carved"
    )


def expected_rows(
    corpus: Corpus, split: Split, corpora: CorporaParams, note: str
) -> ExpectedRows | None:
    """Say how many rows a split should have: as many as params ask for, or the paper's Table 1.

    None for the user's own files, of which no number is expected.

    Args:
        corpus: which one.
        split: which split of it.
        corpora: the profile's section of params.yaml.
        note: from `count_note`.
    """
    if isinstance(corpora, SyntheticCorpora):
        rows = int(getattr(corpora.sizes[corpus.name], split))
        said = f"params.yaml asks for {rows:,} examples."
        return ExpectedRows(rows, "critical", said)
    if isinstance(corpora, LocalCorpora):
        return None
    rows = TABLE_1[corpus.name][split]
    said = f"Table 1 of the paper says {rows:,}{f' ({note})' if note else ''}."
    return ExpectedRows(rows, "info" if is_carved(corpus, corpora) else "warning", said)


def count_note(
    corpus: Corpus,
    split: Split,
    corpora: CorporaParams,
    num_rows: int,
    num_dropped: int,
) -> str:
    """Explain the difference from the paper's Table 1, or return "" where there is none."""
    if isinstance(corpora, SyntheticCorpora):
        return "synthetic"
    if isinstance(corpora, LocalCorpora):
        return "your own data"
    if is_carved(corpus, corpora):
        return "no test split when carved" if split == "test" else "carved out of quora-dev.csv"
    return _published_note(corpus, split, num_rows, num_dropped)


def _published_note(corpus: Corpus, split: Split, num_rows: int, num_dropped: int) -> str:
    """Account for the header line and dropped rows; whatever is left is the paper's misprint."""
    difference = num_rows - TABLE_1[corpus.name][split]
    if not difference:
        return ""
    reasons = []
    if corpus.name in COUNTED_WITH_HEADER:
        reasons.append("Table 1 counts the header line")
        difference += 1
    if num_dropped:
        reasons.append(f"{_rows(num_dropped)} left out")
        difference += num_dropped
    if difference:
        more = "more" if difference > 0 else "fewer"
        reasons.append(f"the published file has {_rows(abs(difference))} {more}")
    return "; ".join(reasons)


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"
