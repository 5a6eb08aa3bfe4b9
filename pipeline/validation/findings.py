"""Converts validation results to findings, which are identical in every run, and judges them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.core import paths
from pipeline.core.records import CorpusReport, Example, Finding, Scope
from pipeline.errors import ValidationError

NUM_EXAMPLES = 5
NUM_IDS_SHOWN = 3
MAX_CHARACTERS = 10_000  # of a row's text in a report


def finding_of(result: Mapping[str, Any], split: Scope, frame: pd.DataFrame) -> Finding:
    """Convert a Great Expectations result, as JSON, to a finding.

    If the expectation raised an exception, the finding is critical.

    Args:
        result: in SUMMARY format; the expectation's meta has `name`, `found` and `detail`.
        split: the split that was checked.
        frame: the rows that were checked, numbered from 0, with columns id and text.
    """
    config, values = result["expectation_config"], result["result"]
    info = result["exception_info"]  # of one exception, or a mapping of several
    places = [info] if "raised_exception" in info else list(info.values())
    raised = {str(place["exception_message"]) for place in places if place["raised_exception"]}
    error = " ".join("; ".join(sorted(raised)).split())
    count = values.get("unexpected_count")
    if error:
        observed = f"could not be tried: {error}"
    elif count is not None:
        observed = f"{count:,} of {values['element_count']:,} {config['meta']['found']}"
    elif isinstance(values["observed_value"], list):
        shown = map(str, values["observed_value"])
        observed = ", ".join(each if each.isprintable() else repr(each) for each in shown)
    else:
        observed = f"{values['observed_value']:,}"
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
    """Return a row as an example; if its text is long, keep only the beginning and end."""
    detail = config["meta"]["detail"].format(row[config["kwargs"]["column"]])
    text = str(row["text"])
    if len(text) > MAX_CHARACTERS:
        text = f"{text[: MAX_CHARACTERS // 2]} … {text[-MAX_CHARACTERS // 2 :]}"
    return Example(str(row["id"]) or f"example {int(str(row.name)) + 1}", text, detail)


def stop_if_critical(reports: Sequence[CorpusReport]) -> None:
    """Stop the pipeline if any report has critical findings.

    Raises:
        ValidationError: there are critical findings; the message has one line for each.
    """
    lines = []
    for report, found in ((each, f) for each in reports for f in each.findings if f.stops):
        file = paths.corpus_dir(report.corpus)
        if found.split != "all":
            file = paths.split_csv(file, found.split)
        # if an id is repeated, all of its rows are examples
        ids = list(dict.fromkeys(example.id for example in found.examples))[:NUM_IDS_SHOWN]
        named = f" ({'id' if len(ids) == 1 else 'ids'} {', '.join(ids)})" if ids else ""
        lines.append(
            f"  {report.corpus} {found.split} ({file}): {found.description} "
            f"Found: {found.observed.rstrip('.')}{named}."
        )
    if lines:
        noun = "finding" if len(lines) == 1 else "findings"
        raise ValidationError(
            f"the corpora have {len(lines)} critical {noun}; correct the data at its source and "
            "run again:\n" + "\n".join(lines)
        )
