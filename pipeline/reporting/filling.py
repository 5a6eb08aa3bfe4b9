"""Pages from templates: what a page says is Markdown in a file, and code fills in what differs."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

BLANK_LINES = re.compile(r"\n{3,}")  # left where a condition does not hold


def fixed(value: float | None, undefined: str = "–") -> str:
    """Show a score with three decimals, or a word where there is none."""
    return undefined if value is None else f"{value:.3f}"


def grouped(value: float) -> str:
    """Show a count with commas between thousands."""
    return f"{value:,}"


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
    templates.filters.update(fixed=fixed, grouped=grouped)
    return templates
