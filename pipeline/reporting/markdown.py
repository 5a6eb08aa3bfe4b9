"""Renders templates as Markdown pages that are readable in a terminal and on GitHub.

A template contains the text of a page, and code fills in the values.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEXTS = Path(__file__).parent / "texts"
MAX_CHARACTERS = 120  # maximum length of a quoted text
HEAD = 80  # number of characters kept from the start of a longer text; the rest are from its end
# characters that are special in Markdown, HTML or GitHub's math syntax
MARKUP = re.compile(r"([\\`*_<>\[\]|~#$&])")
BLANK_LINES = re.compile(r"\n{3,}")  # left by false conditions in a template
EDGE = re.compile(r"(?<!\\)\|")  # separates the cells of a table


def fixed(value: float | None, undefined: str = "–") -> str:
    """Format a score to three decimal places; return `undefined` if it is None."""
    return undefined if value is None else f"{value:.3f}"


def filled(template: Path, /, **values: object) -> str:
    """Render a Markdown or HTML template, which may include templates of reports.

    Raises:
        UndefinedError: a variable in the template has no value.
    """
    text = _templates(template.parent).get_template(template.name).render(values)
    return BLANK_LINES.sub("\n\n", text).strip() + "\n"


@cache
def _templates(folder: Path) -> Environment:
    templates = Environment(
        autoescape=select_autoescape(["html"]),  # Markdown templates escape quoted texts themselves
        loader=FileSystemLoader([folder, TEXTS]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(fixed=fixed, grouped="{:,}".format)
    return templates


def escaped(text: str) -> str:
    """Put a text on one line and escape it so that Markdown shows it unchanged."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(name: str) -> str:
    """Format a name as code, or escape it if it contains unusual characters."""
    return f"`{name}`" if re.fullmatch(r"[\w.-]+( [\w.-]+)*", name) else escaped(name)


def excerpt(text: str) -> str:
    """Escape a text from a corpus for quoting; cut out the middle if it is long."""
    text = " ".join(text.split())
    if len(text) > MAX_CHARACTERS:  # keep both ends, because either sentence of a pair may matter
        text = f"{text[:HEAD].rstrip()} … {text[HEAD + 3 - MAX_CHARACTERS :].lstrip()}"
    return escaped(text)


def page(template: str, /, **values: object) -> str:
    """Render the template of a page and align its tables."""
    text = filled(
        TEXTS / f"{template}.md.jinja", **values, code=code, escaped=escaped, excerpt=excerpt
    )
    groups = groupby(text.split("\n"), lambda line: line.startswith("| "))
    return "\n".join(
        line for is_table, lines in groups for line in (_lined_up(lines) if is_table else lines)
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Render a table with padded columns; right-align the columns named in `right`."""
    rule = ["---:" if name in right else "---" for name in header]
    return "\n".join(_padded([header, rule, *rows]))


def _lined_up(lines: Iterator[str]) -> Iterator[str]:
    """Pad the cells of a table."""
    return _padded([[cell.strip() for cell in EDGE.split(line)[1:-1]] for line in lines])


def _padded(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; its second row specifies the alignment."""
    is_right = [rule.endswith(":") for rule in rows[1]]
    cells = [row for row in rows if row is not rows[1]]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    for row in rows:
        if row is rows[1]:
            row = ["-" * (n - r) + ":" * r for n, r in zip(widths, is_right, strict=True)]
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_right, strict=True)
        )
        yield f"| {' | '.join(padded)} |"
