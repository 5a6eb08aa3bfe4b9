"""Lists experiments; reads, compares and plots commits, branches and experiments."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvc.api import exp_show
from dvc.exceptions import DvcException
from dvc.repo import Repo

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.errors import ReportError, RevisionError
from pipeline.reporting.comparison import Side, asked_of, check_names, read_side, runs_of
from pipeline.reporting.comparison_page import comparison_page

WORKSPACE = "workspace"
PAGE = Path(__file__).with_name("plots.html")
Fetch = Callable[[Path], Path]  # takes a path in the repository, returns a file to read


@contextmanager
def files_of(revision: str) -> Iterator[Fetch]:
    """Yield a function that fetches one file of a revision from git or DVC's cache.

    The workspace does not change. If the cache does not have a file, the function downloads it from
    the default remote; if that fails too, it raises RevisionError.

    Raises:
        RevisionError: the revision does not exist.
    """
    if revision == WORKSPACE:
        yield _of_workspace
        return
    with ExitStack() as stack:
        try:
            here = stack.enter_context(Repo("."))
            # not DVCFileSystem(".", rev=revision): that starts at the root of the git repository,
            # and this project may be a subfolder of it
            repo = stack.enter_context(Repo(".", config=here.config))  # with the current remotes
            stack.enter_context(repo.switch(revision))
        except DvcException as error:
            raise RevisionError(
                f"{revision!r} is no experiment, branch or commit ({error}); `dvc exp list` names "
                f"experiments, {WORKSPACE!r} is what lies here"
            ) from None
        folder = Path(stack.enter_context(TemporaryDirectory()))

        def fetch(path: Path) -> Path:
            copy = folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                # not get_file: it links the copy to DVC's cache, and a second call empties both
                copy.write_bytes(repo.dvcfs.read_bytes(path.as_posix()))
            except Exception:  # noqa: BLE001  (each kind of remote has its own errors)
                raise RevisionError(
                    f"{path} of {revision} is not here; run `dvc pull`, or `dvc repro` in that "
                    "revision"
                ) from None
            return copy

        yield fetch


def experiments() -> list[dict[str, Any]]:
    """Return the workspace, HEAD and the experiments based on it, as `dvc exp show` does.

    Each has the keys Experiment, rev and State, and a dotted key for each metric and param.

    Raises:
        RevisionError: DVC cannot list them, for example because this is not a DVC repository.
    """
    try:
        return list(exp_show())
    except DvcException as error:
        raise RevisionError(f"DVC cannot list experiments: {error}") from None


def _of_workspace(path: Path) -> Path:
    if not path.is_file():
        raise RevisionError(f"{path} is not here; run `dvc pull` or `make repro`")
    return path


def page_of(a: str, b: str) -> str:
    """Return the page that compares two sets of runs in the workspace, or two revisions."""
    here: Side | None = None
    half_run: ReportError | None = None
    with ExitStack() as stack:
        if paths.DVC_LOCK.is_file():
            try:
                here = read_side(WORKSPACE, stack.enter_context(files_of(WORKSPACE)))
            except ReportError as error:  # not needed for two revisions
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


def draw_plots(revisions: Sequence[str]) -> str:
    """Return an HTML page with `dvc plots` of the workspace, or of several revisions together.

    It embeds Vega, Vega-Lite and Vega-Embed, which DVC's own page would load from a CDN.

    Raises:
        RevisionError: vl-convert is not installed, or a revision has nothing to draw.
    """
    try:
        from vl_convert import javascript_bundle
    except ImportError:
        raise RevisionError("vl-convert-python is missing; `make plots` installs it") from None
    libraries = str(javascript_bundle(None))  # type: ignore[arg-type]  # None: all of it
    with TemporaryDirectory() as folder:
        template = Path(folder) / "template.html"
        write_text(template, PAGE.read_text("utf-8").replace("LIBRARIES", libraries))
        command = ["diff", *revisions] if revisions else ["show"]
        options = ["--html-template", str(template), "--out", folder]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "dvc", "plots", *command, *options],
            check=False,
            capture_output=True,
            text=True,
        )
        drawn = Path(folder) / "index.html"
        if done.returncode or not drawn.is_file():
            lines = done.stderr.strip().splitlines() or ["it says nothing"]
            problem = lines[-1].removeprefix("ERROR: ")
            raise RevisionError(f"DVC cannot draw the plots: {problem}")
        page = drawn.read_text(encoding="utf-8")
    for revision in revisions or [WORKSPACE]:
        if f'"rev": {json.dumps(revision)}' not in page:
            raise RevisionError(f"{revision} has no {paths.CURVES}; run `make repro` there")
    return page
