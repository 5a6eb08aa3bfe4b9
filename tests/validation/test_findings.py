"""Findings: what stops the pipeline. Which findings there are is in test_expectations.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.core.tasks import CorpusName
from pipeline.errors import ValidationError
from pipeline.validation.findings import CorpusReport, Example, Finding, stop_if_critical


def finding(split: Any, severity: Any, observed: str = "", *ids: str, success: bool = False) -> Any:
    description = "The text must not be empty."
    examples = [Example(name, "", "") for name in ids]
    return Finding("name", split, severity, success, description, observed, 1, examples)


def report(corpus: CorpusName, findings: Sequence[Finding]) -> CorpusReport:
    nothing: dict[Any, Any] = {}
    return CorpusReport(corpus, "", *[nothing] * 3, [], [], *[nothing] * 3, findings)


def test_the_stop_names_corpus_split_file_what_how_many_and_the_first_ids() -> None:
    sst = [
        finding("train", "critical", "1 of 300 empty", "t1"),
        finding("train", "warning", "1 of 300 empty", "t2"),
        finding("dev", "critical", "4 of 300 empty", "d1", "d2", "d3", "d4"),
        finding("dev", "critical", "0 of 300 empty", success=True),
    ]
    sts = [
        finding("test", "critical", "0"),
        finding("all", "critical", "2 of 9 empty", "x", "x"),
    ]
    with pytest.raises(ValidationError) as stopped:
        stop_if_critical([report("sst", sst), report("cfimdb", []), report("sts", sts)])
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
    stop_if_critical([report("sst", sst[1::2])])
