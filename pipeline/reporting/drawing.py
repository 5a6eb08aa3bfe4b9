"""Styles all figures and renders them as SVG; the same numbers always produce the same bytes."""

import io
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.core.tasks import Mode, Split

# from the Okabe-Ito palette: color-blind readers can tell them apart; dark enough on white
COLORS: dict[Mode, str] = {"pretrain": "#D55E00", "finetune": "#0072B2"}
SPLIT_COLORS: dict[Split, str] = {"train": "#0072B2", "dev": "#D55E00", "test": "#009E73"}
INK = "#444444"
FAINT: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}  # style of reference lines
CHARACTERS = 12.2  # per inch, at font size 9


@dataclass(frozen=True)
class Sheet:
    """The size of a figure, its margins and the gaps between its panels, in inches."""

    width: float
    height: float
    left: float = 0.7
    right: float = 0.15
    top: float = 0.75
    bottom: float = 0.9
    between_columns: float = 0.65
    between_rows: float = 0.8


def drawn(sheet: Sheet, head: str, draw: Callable[[Figure], None]) -> str:
    """Draw a figure and return it as SVG.

    The background is white, even on dark pages and in print. Text is stored as text, not as curves.

    Args:
        sheet: the size and margins; matplotlib's automatic layout would take twice as long.
        head: the text above the figure.
        draw: a function that draws the panels.
    """
    settings: dict[Any, Any] = {"svg.hashsalt": "minbert", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(sheet.width, sheet.height), facecolor="white")
        draw(figure)
        _place(figure, sheet)
        head = textwrap.fill(head, int(sheet.width * CHARACTERS))
        figure.suptitle(head, fontsize=9, y=1 - 0.08 / sheet.height)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib writes trailing spaces, which git highlights in diffs
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _place(figure: Figure, sheet: Sheet) -> None:
    """Place the panels inside the margins; matplotlib expects gaps as fractions of a panel."""
    grid = figure.axes[0].get_gridspec()
    if grid is None:
        raise ValueError("panels come from figure.subplots")
    free_width = sheet.width - sheet.left - sheet.right
    free_height = sheet.height - sheet.top - sheet.bottom
    width = (free_width - sheet.between_columns * (grid.ncols - 1)) / grid.ncols
    height = (free_height - sheet.between_rows * (grid.nrows - 1)) / grid.nrows
    figure.subplots_adjust(
        left=sheet.left / sheet.width,
        right=1 - sheet.right / sheet.width,
        top=1 - sheet.top / sheet.height,
        bottom=sheet.bottom / sheet.height,
        wspace=sheet.between_columns / width,
        hspace=sheet.between_rows / height,
    )


def labeled(axes: Any, x: str, y: str = "", title: str = "", **look: Any) -> None:
    """Set the axis labels and the title of a panel, and draw a faint grid."""
    axes.set(xlabel=x, ylabel=y)
    if title:
        axes.set_title(title, **look)
    axes.grid(alpha=0.25)
