"""The page that compares two runs, experiments or commits."""

from contextlib import ExitStack

from pipeline.core import paths
from pipeline.errors import ReportError, RevisionError
from pipeline.launch.revisions import WORKSPACE, files_of
from pipeline.reporting.comparison import Side, asked_of, check_names, read_side, runs_of
from pipeline.reporting.comparison_page import comparison_page


def page_of(a: str, b: str) -> str:
    """Return the page for two runs of the workspace, or for two revisions."""
    here: Side | None = None
    half_run: ReportError | None = None
    with ExitStack() as stack:
        if paths.DVC_LOCK.is_file():
            try:
                here = read_side(WORKSPACE, stack.enter_context(files_of(WORKSPACE)))
            except ReportError as error:  # two revisions do not need it
                half_run = error
        if here and (first_runs := runs_of(here, a)) and (second_runs := runs_of(here, b)):
            asked = asked_of(first_runs, second_runs, (a, b))
            return comparison_page(here, here, asked, (a, b))
        try:
            fetches = [stack.enter_context(files_of(name)) for name in (a, b)]
        except RevisionError as error:
            if here:
                check_names(here, a, b)
            raise half_run or error from None
        first, second = read_side(a, fetches[0]), read_side(b, fetches[1])
        asked = asked_of(first.configurations, second.configurations, (a, b))
        return comparison_page(first, second, asked, (a, b))
