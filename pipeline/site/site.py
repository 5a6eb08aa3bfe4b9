"""Writes a profile's report as a site of static pages that need neither a network nor a server."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from pipeline.core import paths
from pipeline.core.files import replacing_folder, write_text
from pipeline.errors import ReportError
from pipeline.plumbing.stage_times import read_time
from pipeline.reporting.markdown import filled, page
from pipeline.site.html_body import Row, html_body, title_of

TEMPLATES = Path(__file__).parent / "templates"
KINDS = (".html", ".svg", ".json", ".css", ".js")  # suffixes of the files in a site
ASSETS = ("site.css", "site.js", "icon.svg")
SIGN = '<meta name="generator" content="minbert-pipeline">'  # marks a folder as a site
RUNS = "runs"  # the folder with the pages of runs
# the links at the top of every page, except the links to runs
LABELS = {
    "index.html": "Overview",
    "table3.html": "Table 3",
    "analysis.html": "Section 6",
    "readings.html": "Readings",
    "data.html": "Data",
    "sweep.html": "Sweep",
    "compare.html": "Comparison",
}


def write_site(profile: str, out: Path) -> None:
    """Write a site with a profile's report and, if it exists, the comparison.

    Raises:
        ReportError: there is no report, or `out` contains other files or cannot be written.
    """
    sources = dict(_sources(paths.report_dir(profile)))
    try:
        out = out.resolve()
        _check_place(out)
        rows = TypeAdapter(list[Row]).validate_json(
            (paths.report_dir(profile) / "table3.json").read_bytes()
        )
        with replacing_folder(out) as folder:
            for name, source in sources.items():
                is_page = source.suffix == ".md"
                text = source.read_text("utf-8")
                write_text(folder / name, _page(name, sources, profile, rows) if is_page else text)
            for name in ASSETS:
                write_text(folder / name, (TEMPLATES / name).read_text("utf-8"))
    except ValueError:
        raise ReportError("the report is damaged; run `make repro`") from None
    except OSError as error:
        raise ReportError(f"{error.filename or out}: {error.strerror}") from None


def _sources(report: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name in the site and the source path of every report file."""
    if not report.joinpath("README.md").is_file():
        raise ReportError(f"{report}/ contains no report; run `make repro PROFILE={report.name}`")
    records = report / paths.RECORDS
    for path in sorted(report.rglob("*")):
        if path.suffix in (".md", ".svg", ".json") and not path.is_relative_to(records):
            yield _name(path.relative_to(report)), path
    if paths.COMPARISON.is_file():
        yield _name(Path(paths.COMPARISON.name)), paths.COMPARISON


def _name(path: Path) -> str:
    """Return the name that a report's file has in the site."""
    name = path.with_suffix(".html") if path.suffix == ".md" else path
    return "index.html" if path.name == "README.md" else name.as_posix()


def _check_place(out: Path) -> None:
    """Reject a folder that is neither empty nor a site."""
    index = out / "index.html"
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() and not (index.is_file() and SIGN in index.read_text("utf-8", "replace")):
        raise ReportError(f"{out} already exists and is not a site; choose a different folder")
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.suffix not in KINDS:  # such as .git and CNAME, for publishing
            raise ReportError(f"{path} is not from a site and would be lost; choose another folder")


def _page(name: str, sources: Mapping[str, Path], profile: str, rows: Sequence[Row]) -> str:
    """Render a page with its title and links."""
    names = {posixpath.normpath(path.as_posix()): page for page, path in sources.items()}
    here = posixpath.dirname(name) or "."

    def resolve(link: str) -> str | None:
        target = names.get(posixpath.normpath((sources[name].parent / link).as_posix()))
        return None if target is None else posixpath.relpath(target, here)

    markdown = sources[name].read_text("utf-8")
    if here == RUNS:
        markdown += "\n" + times_section(profile, Path(name).stem)
        rows = [row for row in rows if row.run == Path(name).stem]
    elif name != "table3.html":
        rows = []
    title = title_of(markdown)
    if sources[name] != paths.COMPARISON:  # which may compare other profiles
        title += f" · profile {profile}"
    labels = {page: label for page, label in LABELS.items() if page in sources}
    runs = {page: Path(page).stem for page in sources if Path(page).match(f"{RUNS}/*.html")}
    pages, runs_pages = (
        [(posixpath.relpath(page, here), label, page == name) for page, label in group.items()]
        for group in (labels, runs)
    )
    return filled(
        TEMPLATES / "page.html",
        sign=Markup(SIGN),  # noqa: S704
        title=title,
        root=posixpath.relpath(".", here),
        pages=pages,
        runs=runs_pages,
        body=Markup(html_body(markdown, resolve, rows)),  # noqa: S704  (it lets no markup through)
    )


def times_section(profile: str, run: str) -> str:
    """Return a section on how long a run last took on this machine, or "" if unknown.

    The report cannot contain these times, because they change every time.
    """
    stages = (f"train@{run}", f"evaluate@{run}")
    times = [read_time(paths.stage_time(profile, stage)) for stage in stages]
    return page("times", times=[time for time in times if time]).strip()
