"""From the results of Great Expectations, as JSON, to findings of our own."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.corpora.findings import Example, Finding, Scope

MAX_CHARACTERS = 10_000  # of a row's text in a report


def finding_of(result: Mapping[str, Any], split: Scope, frame: pd.DataFrame) -> Finding:
    """Turn one result into a finding.

    An expectation that could not be tried, for whatever reason, has found something critical.

    Args:
        result: of an expectation whose meta holds `name`, `found` and `detail`, in the format
            SUMMARY.
        split: what was looked at.
        frame: the rows looked at, numbered from 0, with columns id and text.
    """
    config, values = result["expectation_config"], result["result"]
    error = _error(result["exception_info"])
    count = values.get("unexpected_count")
    if error:
        observed = f"could not be tried: {error}"
    elif count is None:
        observed = _shown(values["observed_value"])
    else:
        observed = f"{count:,} of {values['element_count']:,} {config['meta']['found']}"
    rows = values.get("partial_unexpected_index_list") or []
    return Finding(
        expectation=config["meta"]["name"],
        split=split,
        severity="critical" if error else config["severity"],
        success=bool(result["success"]) and not error,
        description=config["description"],
        observed=observed,
        unexpected_count=None if count is None else int(count),
        examples=[_example(frame.iloc[int(row)], config) for row in rows],
    )


def _example(row: pd.Series, config: Mapping[str, Any]) -> Example:
    """Show a row; what cannot be seen in its text is in `detail`."""
    detail = config["meta"]["detail"].format(row[config["kwargs"]["column"]])
    called = str(row["id"]) or f"example {int(str(row.name)) + 1}"
    return Example(called, _cut(str(row["text"])), detail)


def _cut(text: str) -> str:
    """Return both ends of a text that nobody would read whole."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[: MAX_CHARACTERS // 2]} … {text[-MAX_CHARACTERS // 2 :]}"


def _shown(observed: object) -> str:
    if isinstance(observed, list):
        values = map(str, observed)
        return ", ".join(value if value.isprintable() else repr(value) for value in values)
    return f"{observed:,}"


def _error(info: Mapping[str, Any]) -> str:
    """Return what an expectation raised, or ""; one that raises may do so in several places."""
    places = [info] if "raised_exception" in info else list(info.values())
    raised = {str(place["exception_message"]) for place in places if place["raised_exception"]}
    return " ".join("; ".join(sorted(raised)).split())
