"""Pages from templates, in Markdown that reads as well in a terminal as on GitHub.

What a page says is text in a file, and code fills in what differs.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEXTS = Path(__file__).parent / "texts"
MAX_CHARACTERS = 120  # of a quoted text
HEAD = 80  # of them from the beginning of a longer one, the others from its end
# what Markdown, HTML or GitHub's formulas would take for their own
MARKUP = re.compile(r"([\\`*_<>\[\]|~#$&])")
BLANK_LINES = re.compile(r"\n{3,}")  # left where a condition does not hold
EDGE = re.compile(r"(?<!\\)\|")  # between the cells of a table


def fixed(value: float | None, undefined: str = "–") -> str:
    """Show a score with three decimals, or a word where there is none."""
    return undefined if value is None else f"{value:.3f}"


def filled(template: Path, /, **values: object) -> str:
    """Fill in a template of Markdown or HTML.

    Args:
        template: a file of Jinja's; it may include others of its folder.
        values: by the names that it uses.

    Raises:
        UndefinedError: the template uses a name that has no value.
    """
    text = _templates(template.parent).get_template(template.name).render(values)
    return BLANK_LINES.sub("\n\n", text).strip() + "\n"


@cache
def _templates(folder: Path) -> Environment:
    templates = Environment(
        autoescape=select_autoescape(["html"]),  # in Markdown, what is quoted is escaped as such
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(fixed=fixed, grouped="{:,}".format)
    return templates


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(name: str) -> str:
    """Set a name as code, unless it holds what cannot stand there."""
    return f"`{name}`" if re.fullmatch(r"[\w.-]+( [\w.-]+)*", name) else escaped(name)


def excerpt(text: str) -> str:
    """Quote a text that comes from a corpus, the middle of a long one left out."""
    text = " ".join(text.split())
    if len(text) > MAX_CHARACTERS:  # both ends: of a pair, either sentence may be the point
        text = f"{text[:HEAD].rstrip()} … {text[HEAD + 3 - MAX_CHARACTERS :].lstrip()}"
    return escaped(text)


def page(template: str, /, **values: object) -> str:
    """Fill in the template of a page, and line up its tables."""
    text = filled(
        TEXTS / f"{template}.md.jinja", **values, code=code, escaped=escaped, excerpt=excerpt
    )
    groups = groupby(text.split("\n"), lambda line: line.startswith("| "))
    return "\n".join(
        line for is_table, lines in groups for line in (_lined_up(lines) if is_table else lines)
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Render a table with padded columns; those named in `right` are set to the right."""
    rule = ["---:" if name in right else "---" for name in header]
    return "\n".join(_padded([header, rule, *rows]))


def _lined_up(lines: Iterator[str]) -> Iterator[str]:
    """Pad the cells of a table."""
    return _padded([[cell.strip() for cell in EDGE.split(line)[1:-1]] for line in lines])


def _padded(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write rows, of which the second is the rule that says which columns are set to the right."""
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
