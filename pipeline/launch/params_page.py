"""docs/params.md from params.yaml and dvc.yaml: every key, what it means, which stages read it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.reporting.markdown import table

PAGE = Path("docs/params.md")
LINE = re.compile(r"(?P<indent> *)(?P<key>[\w-]+):(?: +(?P<value>[^#]*?))?(?: +# (?P<told>.*))?$")
COMMENT = "# "
# sections that hold one entry after the other of the same kind, by what an entry is called
ENTRIES = {"profiles": "<profile>", "runs": "<run>", "configurations": "<row>"}


class Key(NamedTuple):
    """A line of params.yaml."""

    path: tuple[str, ...]
    value: str
    told: str


def page(params: str, graph: Mapping[str, Any]) -> str:
    """Render the page.

    Args:
        params: the text of params.yaml.
        graph: dvc.yaml, as read.
    """
    readers = {name: list(_params_of(stage)) for name, stage in graph["stages"].items()}
    parts = [
        "# Every parameter",
        "What stands in `params.yaml`, and which stages read it: these run again when it changes, "
        "and then what depends on what they made, if that came out different. Written by "
        "`make graph`; `make plan` says what a change would do now.",
    ]
    for section, keys in _sections(params).items():
        parts.append(f"## {section}")
        parts.extend(_comments_above(params, section))
        rows = [
            [f"`{'.'.join(key.path)}`", _value(key), _told(key), _read_by(key.path, readers)]
            for key in keys
            if _value(key) or _told(key)
        ]
        parts.append(table(("Key", "Here", "What it is", "Read by"), rows))
    return "\n\n".join(parts) + "\n"


def _sections(params: str) -> dict[str, list[Key]]:
    """Return the keys under each key of the first level, one entry for all of its kind."""
    sections: dict[str, dict[tuple[str, ...], Key]] = {}
    path: list[str] = []
    for found in filter(None, map(LINE.match, params.splitlines())):
        path = [*path[: len(found["indent"]) // 2], found["key"]]
        shown = tuple(path)
        if len(path) > 1 and path[0] in ENTRIES:
            shown = (path[0], ENTRIES[path[0]], *path[2:])
        key = Key(shown, found["value"] or "", found["told"] or "")
        sections.setdefault(path[0], {}).setdefault(shown, key)
    return {section: list(keys.values()) for section, keys in sections.items()}


def _comments_above(params: str, section: str) -> Iterator[str]:
    """Yield the block of comments that stands right above a section."""
    lines = params.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{section}:"))
    block: list[str] = []
    while start and lines[start - 1].startswith(COMMENT):
        start -= 1
        block.insert(0, lines[start].removeprefix(COMMENT))
    if block and start:  # the block at the top is about the file
        yield " ".join(block)


def _told(key: Key) -> str:
    """Return a key's comment; that of one entry of a kind is not about the others."""
    if key.path[-1].startswith("<"):
        return ""
    return key.told.replace("|", r"\|").replace("<", r"\<")


def _value(key: Key) -> str:
    """Show a value; where it stands for all entries of a kind, it is one of many."""
    if not key.value:
        return ""
    return f"`{key.value}`" if "<" not in "".join(key.path) else f"e.g. `{key.value}`"


def _params_of(stage: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a stage reads of params.yaml, named as this page names it."""
    for name in stage.get("do", stage).get("params", ()):
        if isinstance(name, str):  # else it is of trials.yaml
            section, *rest = re.sub(r"\$\{.*?\}", "*", name).split(".")
            if rest and section in ENTRIES:  # whether one entry is named or all of them
                rest[0] = ENTRIES[section]
            yield ".".join([section, *rest])


def _read_by(path: tuple[str, ...], readers: Mapping[str, list[str]]) -> str:
    """Name the stages that read a key, or a part of it, or what it is a part of."""
    name = ".".join(path) + "."
    chosen = "<profile>" if path == ("profile",) else name  # it says which profile's keys count
    found = [
        stage
        for stage, params in readers.items()
        if any(chosen in p or name.startswith(f"{p}.") or f"{p}.".startswith(name) for p in params)
    ]
    return ", ".join(f"`{stage}`" for stage in found) or "none: it changes no result"


def write_page(graph: Mapping[str, Any]) -> None:
    """Write the page anew from params.yaml and dvc.yaml as read."""
    write_text(PAGE, page(paths.PARAMS.read_text(encoding="utf-8"), graph))
