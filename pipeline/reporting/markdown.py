"""Markdown that reads as well in a terminal as on GitHub."""

from collections.abc import Iterator, Sequence


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
