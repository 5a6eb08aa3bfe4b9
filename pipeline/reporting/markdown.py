"""Renders pages from templates, as Markdown that is readable in a terminal and on GitHub.

The text of a page is in a template, and code fills in what changes.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEXTS = Path(__file__).parent / "texts"
MAX_CHARACTERS = 120  # in a quoted text
HEAD = 80  # characters from the beginning of a longer text; the others come from its end
# characters with a meaning in Markdown, HTML or GitHub's formulas
MARKUP = re.compile(r"([\\`*_<>\[\]|~#$&])")
BLANK_LINES = re.compile(r"\n{3,}")  # left by conditions that are false
EDGE = re.compile(r"(?<!\\)\|")  # separates the cells of a table


def fixed(value: float | None, undefined: str = "–") -> str:
    """Format a score with three decimals, or return a word if it is undefined."""
    return undefined if value is None else f"{value:.3f}"


def filled(template: Path, /, **values: object) -> str:
    """Render a Markdown or HTML template, which may include those of reports.

    Raises:
        UndefinedError: a name in the template has no value.
    """
    text = _templates(template.parent).get_template(template.name).render(values)
    return BLANK_LINES.sub("\n\n", text).strip() + "\n"


@cache
def _templates(folder: Path) -> Environment:
    templates = Environment(
        autoescape=select_autoescape(["html"]),  # Markdown templates escape quotations themselves
        loader=FileSystemLoader([folder, TEXTS]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(fixed=fixed, grouped="{:,}".format)
    return templates


def escaped(text: str) -> str:
    """Escape a text so that Markdown shows it unchanged, on one line."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(name: str) -> str:
    """Format a name as code, or escape it if it contains other characters."""
    return f"`{name}`" if re.fullmatch(r"[\w.-]+( [\w.-]+)*", name) else escaped(name)


def excerpt(text: str) -> str:
    """Quote a text from a corpus, without the middle of a long one."""
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
    """Render a table with padded columns; those in `right` are aligned to the right."""
    rule = ["---:" if name in right else "---" for name in header]
    return "\n".join(_padded([header, rule, *rows]))


def _lined_up(lines: Iterator[str]) -> Iterator[str]:
    """Pad the cells of a table."""
    return _padded([[cell.strip() for cell in EDGE.split(line)[1:-1]] for line in lines])


def _padded(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; its second row determines the alignment."""
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
