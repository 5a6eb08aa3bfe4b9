"""A table of a page as HTML: captioned, in a box to scroll in, its scores with their intervals."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from markdown_it.token import Token

OURS, PAPER = "Ours", "Paper"  # columns of Table 3
SCORES = (OURS, "Dev score")  # columns whose numbers may have an interval
INTERVAL = re.compile(r"(?P<score>-?\d\.\d{3}).*? \[(?P<low>-?\d\.\d{3}), (?P<high>-?\d\.\d{3})\]$")
NUMBER = re.compile(r"-?\d\.\d{3}")
LONG = 44  # characters in a cell that are better broken into lines

# of the picture of an interval, in which a score of 0 is at the left end and 1 at the right one
WIDTH, MARGIN = 200, 10


@dataclass(frozen=True)
class Cell:
    """One cell: what it shows, its HTML, and whether it is set to the right."""

    text: str
    html: str
    is_right: bool

    @property
    def look(self) -> str:
        """Return its classes as an attribute."""
        classes = ["right"] * self.is_right + ["long"] * (len(self.text) > LONG)
        return f' class="{" ".join(classes)}"' if classes else ""


def html_table(tokens: Sequence[Token], caption: str, inline: Callable[[Token], str]) -> str:
    """Render a table in its box.

    Args:
        tokens: of the table, as markdown-it gives them.
        caption: what it is called.
        inline: renders what stands in a cell.
    """
    header, *rows = _rows(tokens, inline)
    names = [cell.text for cell in header]
    told = escape(caption)
    is_table_3 = OURS in names and PAPER in names
    lines = [
        f'<div class="box" role="group" aria-label="Table: {told}" tabindex="0">',
        '<table class="sortable">' if is_table_3 else "<table>",
        f"<caption>{told}</caption>",
        "<thead><tr>",
        *(f'<th scope="col"{cell.look}>{cell.html}</th>' for cell in header),
        "</tr></thead>",
        "<tbody>",
        *(line for row in rows for line in _row(names, row)),
        "</tbody>",
        "</table>",
        "</div>",
    ]
    return "\n".join(lines) + "\n"


def shown_text(token: Token) -> str:
    """Return what a line of Markdown shows, without its markup."""
    return "".join(child.content for child in token.children or [])


def _rows(tokens: Sequence[Token], inline: Callable[[Token], str]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for before, token in pairwise(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(Cell(shown_text(token), inline(token), "style" in before.attrs))
    return rows


def _row(names: Sequence[str], row: Sequence[Cell]) -> Iterator[str]:
    """Yield a row, which its first cell names."""
    first, *others = row
    paper = next((c.text for name, c in zip(names, row, strict=True) if name == PAPER), "")
    yield f'<tr><th scope="row"{first.look}>{first.html}</th>'
    for name, cell in zip(names[1:], others, strict=True):
        html = _with_interval(cell, paper) if name in SCORES else cell.html
        yield f"<td{cell.look}>{html}</td>"
    yield "</tr>"


def _with_interval(cell: Cell, paper: str) -> str:
    """Let a score tell its interval, and show it beside the paper's, on hover and focus."""
    found = INTERVAL.search(cell.text)
    if not found:
        return cell.html
    score, low, high = found.group("score", "low", "high")
    papers = NUMBER.search(paper)
    told = f"{score}, interval {low} to {high}" + (f"; paper {papers[0]}" if papers else "")
    shown = cell.html.replace(f"[{low}, {high}]", f"<small>[{low}, {high}]</small>")
    picture = _picture(float(score), float(low), float(high), float(papers[0]) if papers else None)
    return (
        f'<button type="button" class="score">{shown}</button>'
        f'<span class="tip" role="tooltip" hidden>{told}{picture}</span>'
    )


def _picture(score: float, low: float, high: float, paper: float | None) -> str:
    """Draw a score's interval on a line from 0 to 1, and the paper's score as a diamond."""
    left, right, middle = (f"{_place(value):.1f}" for value in (low, high, score))
    parts = [
        f'<line class="scale" x1="{_place(0):g}" x2="{_place(1):g}" y1="12" y2="12"/>',
        f'<line class="interval" x1="{left}" x2="{right}" y1="12" y2="12"/>',
        f'<circle class="ours" cx="{middle}" cy="12" r="5"/>',
    ]
    if paper is not None:
        at = _place(paper)
        corners = f"{at:.1f},6 {at + 6:.1f},12 {at:.1f},18 {at - 6:.1f},12"
        parts.append(f'<polygon class="paper" points="{corners}"/>')
    size = f'viewBox="0 0 {WIDTH + 2 * MARGIN} 24"'
    return f'<svg {size} aria-hidden="true">{"".join(parts)}</svg>'


def _place(value: float) -> float:
    return MARGIN + WIDTH * min(max(value, 0.0), 1.0)
