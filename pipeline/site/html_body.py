"""Converts a report page from Markdown to HTML so that text from a corpus cannot become markup.

The only raw HTML that is kept is the report's own `<details>`. Links and images are kept only if
they point to files of the site. Every table has a caption and scrolls in its own box. On hover or
focus, a score shows its interval next to the paper's score.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel

from pipeline.reporting.markdown import filled

# maps a link on a page to its target in the site, or to None if the site has no such file
Resolve = Callable[[str], str | None]

OWN = "own"  # type of tokens that contain HTML from this module
DETAILS = re.compile(r"<details><summary>([^<>&]*)</summary>|</details>")
OURS, PAPER = "Ours", "Paper"  # columns of Table 3
SCORES = {OURS, "Dev score"}  # columns that show a score with an interval
LONG = 44  # cells with more characters than this wrap onto several lines

PICTURE = Path(__file__).parent / "templates/interval.svg.jinja"


class Row(BaseModel):
    """The fields of a row in table3.json that the site shows."""

    run: str
    score: float | None
    ci_low: float | None
    ci_high: float | None
    paper_score: float | None


def title_of(markdown: str) -> str:
    """Return the heading of a page without markup."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return next((_shown_text(token) for token in tokens if token.type == "inline"), "")


def html_body(markdown: str, resolve: Resolve, rows: Sequence[Row] = ()) -> str:
    """Render the content of a page, including its heading.

    Args:
        markdown: the Markdown of the page.
        resolve: see `Resolve`.
        rows: the rows of the page's table of scores.
    """
    parser = MarkdownIt("commonmark").enable("table")
    parser.add_render_rule(OWN, lambda _, tokens, number, *__: tokens[number].content)
    parser.add_render_rule("html_block", _only_details)
    parser.add_render_rule("html_inline", lambda _, t, number, *__: escape(t[number].content))
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, resolve))
    return str(parser.renderer.render(list(_with_tables(tokens, rows)), parser.options, {}))


def _only_details(_: object, tokens: Sequence[Token], number: int, *__: object) -> str:
    content = tokens[number].content
    return content if DETAILS.fullmatch(content.strip()) else f"<p>{escape(content)}</p>\n"


def _own(html: str) -> Token:
    return Token(OWN, "", 0, content=html)


def _shown_text(token: Token) -> str:
    """Return the text of an inline token without markup."""
    return "".join(child.content for child in token.children or [] if child.type != OWN)


def _linked(children: Sequence[Token], resolve: Resolve) -> Iterator[Token]:
    """Point links and images to files of the site, and replace all others with their text."""
    is_kept = True
    for token in children:
        if token.type == "image":
            place, text = resolve(str(token.attrs["src"])), escape(token.content)
            image = f'<img src="{escape(place or "")}" alt="{text}">'
            figure = f'<a class="box figure" href="{escape(place or "")}">{image}</a>'
            yield _own(figure if place else text)
            continue
        if token.type == "link_open":
            target = resolve(str(token.attrs["href"]))
            is_kept = target is not None
            token.attrs = {"href": target or ""}
        if is_kept or not token.type.startswith("link_"):
            yield token


def _with_tables(tokens: Sequence[Token], rows: Sequence[Row]) -> Iterator[Token]:
    """Add the heading above each table as its caption, and add attributes to its cells."""
    name = ""
    header: list[str] = []
    scores = iter(rows)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            name = _shown_text(tokens[number + 1])
        elif token.type == "html_block" and (summary := DETAILS.match(token.content)):
            name = summary[1] or name
        elif token.type == "table_open":
            head = _up_to("tr_close", tokens[number + 3 :])
            header = [_shown_text(cell) for cell in head[1::3]]
            label = f'role="group" aria-label="Table: {escape(name)}" tabindex="0"'
            kind = ' class="sortable"' if {OURS, PAPER} <= set(header) else ""
            opening = f'<div class="box" {label}>\n<table{kind}>\n'
            yield _own(f"{opening}<caption>{escape(name)}</caption>\n")
            continue
        elif token.type == "tr_open":
            row = _up_to("tr_close", tokens[number + 1 :])
            is_scored = PAPER in header and SCORES & set(header) and row[0].tag == "td"
            _set_attributes(row, header, next(scores, None) if is_scored else None)
        yield token
        if token.type == "table_close":
            yield _own("</div>\n")


def _up_to(end: str, tokens: Sequence[Token]) -> list[Token]:
    return list(takewhile(lambda token: token.type != end, tokens))


def _set_attributes(row: Sequence[Token], header: Sequence[str], scores: Row | None) -> None:
    """Turn the first row and column into header cells, and replace styles with classes."""
    openings, cells, closings = row[::3], row[1::3], row[2::3]
    for name, opening, cell, closing in zip(header, openings, cells, closings, strict=True):
        classes = ["right"] if "style" in opening.attrs else []
        classes += ["long"] if len(_shown_text(cell)) > LONG else []
        if scores and name in SCORES:
            _show_interval(cell, scores)
        scope = "col" if opening.tag == "th" else "row" if opening is row[0] else ""
        opening.tag = closing.tag = "th" if scope else "td"
        attributes = {"scope": scope, "class": " ".join(classes)}
        opening.attrs = {name: value for name, value in attributes.items() if value}


def _show_interval(cell: Token, row: Row) -> None:
    """Show a score's interval, if any, next to the paper's score on hover and focus."""
    if row.score is None or row.ci_low is None or row.ci_high is None:
        return
    interval = f"[{row.ci_low:.3f}, {row.ci_high:.3f}]"
    last = (cell.children or [])[-1]
    last.content = last.content.removesuffix(interval)
    picture = filled(PICTURE, row=row, place=_place).strip()
    text = f"{row.score:.3f}, interval {row.ci_low:.3f} to {row.ci_high:.3f}"
    text += "" if row.paper_score is None else f"; paper {row.paper_score:.3f}"
    small = _own(f"<small>{interval}</small>")
    tip = f'</button><span class="tip" role="tooltip" hidden>{text}{picture}</span>'
    opening = _own('<button type="button" class="score">')
    cell.children = [opening, *(cell.children or []), small, _own(tip)]


def _place(score: float) -> float:
    """Return the x coordinate of a score in the picture of its interval."""
    return 10 + 200 * min(max(score, 0.0), 1.0)
