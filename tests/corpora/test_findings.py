"""Findings: what is sorted into the report, and what the user reads when the pipeline stops."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpora.findings import CorpusReport, Example, Finding, stop_if_critical
from pipeline.errors import ValidationError
from pipeline.tasks import CorpusName


def finding(name: str, split: Any, severity: Any, success: bool = False, **known: Any) -> Finding:
    return Finding(
        expectation=name,
        split=split,
        severity=severity,
        success=success,
        description="The text must not be empty.",
        observed=known.get("observed", "4 of 300 empty"),
        unexpected_count=known.get("count", 4),
        examples=[Example(name, "", "") for name in known.get("ids", [])],
    )


def report(corpus: CorpusName, findings: Sequence[Finding]) -> CorpusReport:
    return CorpusReport(
        corpus=corpus,
        corpus_dir=Path("data/corpora") / corpus,
        source="synthetic",
        counts={},
        paper_counts={},
        count_notes={},
        dropped=[],
        notes=[],
        label_balance={},
        lengths={},
        length_counts={},
        findings=findings,
    )


def test_the_report_is_sorted_by_split_and_name() -> None:
    places = [("b", "test"), ("c", "all"), ("b", "train"), ("a", "dev"), ("a", "train")]
    shuffled = report("sst", [finding(name, split, "info") for name, split in places])
    found = [(row["expectation"], row["split"]) for row in shuffled.as_json()["findings"]]
    assert found == [("a", "train"), ("b", "train"), ("a", "dev"), ("b", "test"), ("c", "all")]


def test_the_stop_names_corpus_split_file_what_how_many_and_the_first_ids() -> None:
    empty = finding("first_not_empty", "dev", "critical", ids=["d1", "d2", "d3", "d4"])
    label = finding("label", "train", "critical", ids=["t1"], count=1, observed="1 of 300 empty")
    rows = finding("has_rows", "test", "critical", count=None, observed="0")
    ids = finding(
        "id_in_one_split", "all", "critical", ids=["x", "x"], count=2, observed="2 of 9 empty"
    )
    reports = [report("sst", [empty, label]), report("cfimdb", []), report("sts", [ids, rows])]
    with pytest.raises(ValidationError) as stopped:
        stop_if_critical(reports)
    assert str(stopped.value).split("\n") == [
        "the corpora have 4 critical findings; nothing is trained on them until they are mended "
        "at their source:",
        "  sst train (data/corpora/sst/train.csv): The text must not be empty. "
        "Found: 1 of 300 empty (id t1).",
        "  sst dev (data/corpora/sst/dev.csv): The text must not be empty. "
        "Found: 4 of 300 empty (ids d1, d2, d3).",
        "  sts test (data/corpora/sts/test.csv): The text must not be empty. Found: 0.",
        "  sts all (data/corpora/sts): The text must not be empty. Found: 2 of 9 empty (id x).",
    ]


def test_one_critical_finding_is_one() -> None:
    with pytest.raises(ValidationError, match="have 1 critical finding; nothing"):
        stop_if_critical([report("sst", [finding("a", "dev", "critical")])])


def test_warnings_and_expectations_that_are_met_stop_nothing() -> None:
    harmless = [
        finding("a", "dev", "warning"),
        finding("b", "dev", "info"),
        finding("c", "dev", "critical", success=True),
    ]
    stop_if_critical([report("sst", harmless)])
    assert report("sst", harmless).stops() == []
