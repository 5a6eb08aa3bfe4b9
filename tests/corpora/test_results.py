"""finding_of: what becomes of a result of Great Expectations, as its JSON looks."""

from typing import Any

import pandas as pd

from pipeline.corpora.findings import Example, Finding
from pipeline.corpora.results import finding_of

FRAME = pd.DataFrame({"id": ["a", ""], "text": ["A text", "B text"], "words": [2, 1]})
FINE = {"raised_exception": False, "exception_message": None}


def result(values: dict[str, Any], errors: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    return {
        "success": False,
        "expectation_config": {
            "kwargs": kwargs,
            "meta": {"name": "short", "found": "too short", "detail": "words: {}"},
            "severity": "warning",
            "description": "As it must be.",
        },
        "result": values,
        "exception_info": errors,
    }


def test_rows_are_counted_and_quoted_one_without_an_id_by_its_number() -> None:
    values = {"unexpected_count": 2, "element_count": 1200, "partial_unexpected_index_list": [0, 1]}
    assert finding_of(result(values, FINE, column="words"), "dev", FRAME) == Finding(
        expectation="short",
        split="dev",
        severity="warning",
        success=False,
        description="As it must be.",
        observed="2 of 1,200 too short",
        unexpected_count=2,
        examples=[Example("a", "A text", "words: 2"), Example("example 2", "B text", "words: 1")],
    )


def test_a_value_of_the_whole_split_is_shown() -> None:
    assert finding_of(result({"observed_value": 1701}, FINE), "dev", FRAME).observed == "1,701"
    columns = finding_of(result({"observed_value": ["id", "x"]}, FINE), "dev", FRAME)
    assert columns.observed == "id, x"


def test_whatever_was_raised_is_critical_and_told_once() -> None:
    raised = {"raised_exception": True, "exception_message": "no  column\n'x'"}
    found = finding_of(result({}, {"metric 1": raised, "metric 2": raised}), "dev", FRAME)
    assert (found.severity, found.success) == ("critical", False)
    assert found.observed == "could not be tried: no column 'x'"


def test_both_ends_are_kept_of_a_text_that_nobody_would_read_whole() -> None:
    frame = pd.DataFrame({"id": ["a"], "text": ["<" + "x" * 1_000_000 + ">"], "words": [1]})
    values = {
        "unexpected_count": 1,
        "element_count": 1,
        "partial_unexpected_index_list": [0],
    }
    (example,) = finding_of(result(values, FINE, column="words"), "dev", frame).examples
    assert 10_000 <= len(example.text) <= 10_010
    assert (example.text[0], example.text[-1]) == ("<", ">")


def test_what_cannot_be_printed_is_spelt_out() -> None:
    columns = finding_of(result({"observed_value": ["id\tfirst"]}, FINE), "dev", FRAME)
    assert columns.observed == "'id\\tfirst'"
