"""What docs/scaling.md shows, written anew: tables between its marks, and figures."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.scaling.figures import growth_figure, jobs_figure, workers_figure
from benchmarks.scaling.results import FOLDER, Results
from benchmarks.scaling.tables import Parts, tables
from pipeline.files import write_text

PAGE = Path("docs/scaling.md")
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
FIGURES: Mapping[str, tuple[str, Callable[[Results], str]]] = {
    "workers.svg": ("simulate", workers_figure),
    "growth.svg": ("graph", growth_figure),
    "jobs.svg": ("jobs", jobs_figure),
}


def write_page(parts: Parts) -> None:
    """Write every figure whose numbers are here, and the page."""
    for name, (part, figure) in FIGURES.items():
        if part in parts:
            write_text(FOLDER / name, figure(parts[part]))
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), parts))


def filled(text: str, parts: Parts) -> str:
    """Return the page with its tables written anew; what stands between them is by hand."""
    shown = dict(tables(parts))
    return MARKED.sub(lambda found: f"{found[1]}{shown[found[2]]}\n{found[3]}", text)
