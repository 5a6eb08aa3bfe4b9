"""A page that sets two runs, experiments or commits side by side."""

from contextlib import ExitStack

from pipeline.core import paths
from pipeline.errors import ReportError, RevisionError
from pipeline.launch.revisions import WORKSPACE, Fetch, files_of
from pipeline.reporting.comparison import (
    Side,
    asked_of,
    check_names,
    read_side,
    runs_of,
)
from pipeline.reporting.comparison_page import comparison_page


def page_of(a: str, b: str) -> str:
    """Return the page on two runs of the workspace, or else on two revisions."""
    with ExitStack() as stack:
        if here := _workspace(stack.enter_context(files_of(WORKSPACE)), (a, b)):
            first_runs, second_runs = runs_of(here, a), runs_of(here, b)
            if first_runs and second_runs:
                asked = asked_of(first_runs, second_runs, (a, b))
                return comparison_page(here, here, asked, (a, b))
        try:
            fetches = [stack.enter_context(files_of(name)) for name in (a, b)]
        except RevisionError:
            if here:
                check_names(here, a, b)
            raise
        first, second = read_side(a, fetches[0]), read_side(b, fetches[1])
        asked = asked_of(first.configurations, second.configurations, (a, b))
        return comparison_page(first, second, asked, (a, b))


def _workspace(fetch: Fetch, names: tuple[str, str]) -> Side | None:
    """Return the workspace, or None where it is half run and a name may do without its runs."""
    if not paths.DVC_LOCK.is_file():
        return None
    try:
        return read_side(WORKSPACE, fetch)
    except ReportError:
        if any(_is_revision(name) for name in names):
            return None
        raise


def _is_revision(name: str) -> bool:
    try:
        with files_of(name):
            return True
    except RevisionError:
        return False
