"""Markdown that reads as well in a terminal as on GitHub."""

import re
from collections.abc import Iterator, Sequence

MAX_CHARACTERS = 120  # of a quoted text
HEAD = 80  # of them from the beginning of a longer one, the others from its end
# what Markdown, HTML or GitHub's formulas would take for their own
MARKUP = re.compile(r"([\\`*_<>\[\]|~#$&])")


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


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Render a table with padded columns; those named in `right` are set to the right."""
    widths = [max(3, *(len(row[i]) for row in (header, *rows))) for i in range(len(header))]
    is_right = [name in right for name in header]
    return "\n".join(_lines(header, rows, widths, is_right))


def _lines(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    is_right: Sequence[bool],
) -> Iterator[str]:
    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_right, strict=True)
        )
        return "| " + " | ".join(padded) + " |"

    yield line(header)
    rules = (
        "-" * (width - 1) + ":" if right else "-" * width
        for width, right in zip(widths, is_right, strict=True)
    )
    yield "| " + " | ".join(rules) + " |"
    for row in rows:
        yield line(row)
