"""How every figure looks, and how it becomes SVG with the same bytes for the same numbers."""

import io
import textwrap
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.tasks import Mode, Split

# Okabe and Ito's colours: told apart by all eyes, and dark enough for white paper
COLOURS: dict[Mode, str] = {"pretrain": "#D55E00", "finetune": "#0072B2"}
SPLIT_COLOURS: dict[Split, str] = {"train": "#0072B2", "dev": "#D55E00", "test": "#009E73"}
INK = "#444444"
FAINT: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}  # the paper's scores
CHARACTERS = 12.2  # of font size 9 that fit into an inch


def drawn(size: tuple[float, float], head: str, draw: Callable[[Figure], None]) -> str:
    """Return a figure as SVG.

    White, so that it can be read on a dark page as well, and printed; text stays text.

    Args:
        size: width and height in inches.
        head: what the figure stands on, written over it.
        draw: fills it.
    """
    settings: dict[Any, Any] = {"svg.hashsalt": "minbert", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(settings):
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        draw(figure)
        figure.suptitle(textwrap.fill(head, int(size[0] * CHARACTERS)), fontsize=9)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at line ends, which git marks in diffs
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
