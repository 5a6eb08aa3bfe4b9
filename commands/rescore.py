"""Find the scores of Table 3 again: recorded predictions against corpora that are made anew.

The corpora are generated, or fetched at their pins, into a folder that is removed afterwards. A
score that is not found again ends the command with status 1.
"""

import argparse
import tempfile
from pathlib import Path

from pipeline.data.sources import write_corpora
from pipeline.errors import ReportError
from pipeline.plumbing.params import load_params
from pipeline.reporting.markdown import table
from pipeline.reporting.records import read_params, records_of
from pipeline.reporting.rescoring import Rescored, rescore

HEADER = ("row", "metric", "recorded", "found again", "difference")


def main(argv: list[str]) -> None:
    params = load_params()
    parser = argparse.ArgumentParser(prog="python -m pipeline rescore", description=__doc__)
    parser.add_argument(
        "--profile",
        choices=list(params.profiles),
        default=params.profile,
        help="whose report (default: the profile in force)",
    )
    rows = rescored(parser.parse_args(argv).profile)
    print(table(HEADER, [_row(row) for row in rows], right=HEADER[2:]))
    others = [row.configuration for row in rows if not row.agrees]
    if others:
        raise ReportError(
            f"{len(others)} of {len(rows)} scores are not found again: {', '.join(others)}"
        )
    print(f"all {len(rows)} scores are found again")


def rescored(profile: str) -> list[Rescored]:
    """Score a profile's recorded predictions on its corpora, made anew."""
    records = records_of(profile)
    params = read_params(records)
    with tempfile.TemporaryDirectory() as folder:
        write_corpora(params.active.corpora, params.seed, Path(folder))
        return rescore(params, records, Path(folder))


def _row(row: Rescored) -> tuple[str, ...]:
    difference = "–" if row.difference is None else f"{row.difference:+.1e}"
    return (
        row.configuration,
        row.metric,
        _shown(row.recorded),
        _shown(row.found),
        "0" if row.difference == 0 else difference,
    )


def _shown(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.6f}"
