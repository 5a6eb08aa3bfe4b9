"""Findings: what becomes of Great Expectations' results, and what stops the pipeline."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from pipeline.core.tasks import CorpusName
from pipeline.errors import ValidationError
from pipeline.validation.findings import (
    CorpusReport,
    Example,
    Finding,
    finding_of,
    stop_if_critical,
)

FRAME = pd.DataFrame({"id": ["a", ""], "text": ["A text", "B text"], "words": [2, 1]})
LONG = FRAME.assign(text=["<" + "x" * 1_000_000 + ">", ""])


def found_in(values: dict[str, Any], frame: pd.DataFrame = FRAME, **errors: Any) -> Finding:
    """Turn a result into a finding, as its JSON looks."""
    config = {
        "kwargs": {"column": "words"},
        "meta": {"name": "short", "found": "too short", "detail": "words: {}"},
        "severity": "warning",
        "description": "As it must be.",
    }
    fine = {"raised_exception": False, "exception_message": None}
    told = {"success": False, "expectation_config": config, "result": values}
    return finding_of(told | {"exception_info": errors or fine}, "dev", frame)


def test_rows_are_counted_and_quoted_one_without_an_id_by_its_number() -> None:
    values = {"unexpected_count": 2, "element_count": 1200, "partial_unexpected_index_list": [0, 1]}
    assert found_in(values) == Finding(
        expectation="short",
        split="dev",
        severity="warning",
        success=False,
        description="As it must be.",
        observed="2 of 1,200 too short",
        unexpected_count=2,
        examples=[Example("a", "A text", "words: 2"), Example("example 2", "B text", "words: 1")],
    )
    text = found_in(values, LONG).examples[0].text  # both ends of what nobody would read whole
    assert 10_000 <= len(text) <= 10_010
    assert (text[0], text[-1]) == ("<", ">")


@pytest.mark.parametrize(
    ("value", "observed"), [(1701, "1,701"), (["id", "x\ty"], "id, 'x\\ty'"), (["id"], "id")]
)
def test_a_value_of_the_whole_split_is_shown(value: object, observed: str) -> None:
    assert found_in({"observed_value": value}).observed == observed


def test_whatever_was_raised_is_critical_and_named_once() -> None:
    raised = {"raised_exception": True, "exception_message": "no  column\n'x'"}
    found = found_in({}, metric_1=raised, metric_2=raised)
    assert (found.severity, found.success) == ("critical", False)
    assert found.observed == "could not be tried: no column 'x'"


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
        finding("dev", "critical", "4 of 300 empty", "d1", "d2", "d3", "d4"),
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
    with pytest.raises(ValidationError, match="have 1 critical finding; nothing"):
        stop_if_critical([report("sst", sst[:1])])


def test_warnings_and_expectations_that_are_met_stop_nothing() -> None:
    met = finding("dev", "critical", success=True)
    stop_if_critical([report("sst", [finding("dev", "warning"), finding("dev", "info"), met])])
