"""What validation found, in a form of our own: plain, sorted, the same on every run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline import paths
from pipeline.errors import ValidationError
from pipeline.tasks import SPLITS, CorpusName, Split

Severity = Literal["critical", "warning", "info"]
Scope = Split | Literal["all"]  # one split, or all of a corpus together

NUM_EXAMPLES = 5
NUM_IDS_SHOWN = 3


@dataclass(frozen=True)
class Example:
    """A row that an expectation did not hold for."""

    id: str
    text: str
    detail: str  # what is wrong with it, where the text does not show it; else ""


@dataclass(frozen=True)
class Finding:
    """Whether one expectation held in one split."""

    expectation: str
    split: Scope
    severity: Severity
    success: bool
    description: str  # a sentence: what must be so
    observed: str  # of rows how many are otherwise, and how: "2 of 300 empty"
    unexpected_count: int | None  # rows; None where not rows are looked at but the split
    examples: Sequence[Example]

    @property
    def stops(self) -> bool:
        """Say whether the pipeline must not go on."""
        return self.severity == "critical" and not self.success


@dataclass(frozen=True)
class CorpusReport:
    """All that the data page tells about a corpus, and all that validation found in it."""

    corpus: CorpusName
    corpus_dir: Path
    source: str
    counts: Mapping[Split, int]
    paper_counts: Mapping[Split, int]
    count_notes: Mapping[Split, str]  # why the two differ; "" where they do not
    dropped: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    label_balance: Mapping[Split, Mapping[str, int]]
    lengths: Mapping[Split, Mapping[str, float | None]]
    length_counts: Mapping[Split, Mapping[str, int]]  # sentences by their number of words
    findings: Sequence[Finding]

    def as_json(self) -> dict[str, Any]:
        """Return the report as data/validation/<corpus>.json holds it."""
        report = asdict(self)
        del report["corpus_dir"]  # where a checkout lies is no result
        report["findings"] = [
            asdict(finding) for finding in sorted(self.findings, key=_place_in_report)
        ]
        return report

    def stops(self) -> list[str]:
        """Return one sentence for each critical finding."""
        found = sorted(self.findings, key=_place_in_report)
        return [self._sentence(finding) for finding in found if finding.stops]

    def _sentence(self, finding: Finding) -> str:
        if finding.split == "all":
            file = self.corpus_dir
        else:
            file = paths.split_csv(self.corpus_dir, finding.split)
        # of a repeated id all rows are found
        ids = list(dict.fromkeys(example.id for example in finding.examples))[:NUM_IDS_SHOWN]
        named = f" ({'id' if len(ids) == 1 else 'ids'} {', '.join(ids)})" if ids else ""
        return (
            f"{self.corpus} {finding.split} ({file}): {finding.description} "
            f"Found: {finding.observed.rstrip('.')}{named}."
        )


def _place_in_report(finding: Finding) -> tuple[int, str]:
    return (*SPLITS, "all").index(finding.split), finding.expectation


def stop_if_critical(reports: Sequence[CorpusReport]) -> None:
    """Refuse to go on with corpora that would mislead.

    Raises:
        ValidationError: one line for each critical finding in any of the reports.
    """
    sentences = [sentence for report in reports for sentence in report.stops()]
    if sentences:
        noun = "finding" if len(sentences) == 1 else "findings"
        raise ValidationError(
            f"the corpora have {len(sentences)} critical {noun}; nothing is trained on them until "
            "they are mended at their source:\n" + "\n".join(f"  {line}" for line in sentences)
        )
