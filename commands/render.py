"""Render the pages of a report anew from its records: nothing is trained, no data is needed."""

import argparse

from pipeline.core import paths
from pipeline.plumbing.params import load_params
from pipeline.reporting.pages import render_report


def main(argv: list[str]) -> None:
    params = load_params()
    parser = argparse.ArgumentParser(prog="python -m pipeline render", description=__doc__)
    parser.add_argument(
        "--profile",
        choices=list(params.profiles),
        default=params.profile,
        help="whose report (default: the profile in force)",
    )
    asked = parser.parse_args(argv)
    render_report(asked.profile)
    print(f"wrote the pages of {paths.report_dir(asked.profile)}/")
