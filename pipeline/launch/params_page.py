"""Renders docs/params.md from params.yaml and dvc.yaml: each key, its meaning and its readers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reporting.markdown import table

# a section's name and the comments right above it
SECTION = re.compile(r"((?:^# .*\n)*)^([\w-]+):", re.MULTILINE)
LINE = re.compile(
    r"(?P<indent> *)(?P<key>[\w-]+):(?: +(?P<value>[^#]*?))?(?: +# (?P<comment>.*))?$"
)
# sections whose entries are all of the same kind, with a placeholder for the name of an entry
ENTRIES = {"profiles": "<profile>", "runs": "<run>", "configurations": "<row>"}


def page(params: str, graph: Mapping[str, Any]) -> str:
    """Render the page from the text of params.yaml and the content of dvc.yaml."""
    readers = {
        name: [_named(k) for k in stage.get("do", stage).get("params", ()) if isinstance(k, str)]
        for name, stage in graph["stages"].items()
    }
    parts = [
        "# Every parameter",
        "This page lists every key of `params.yaml` and the stages that read it. If you change a "
        "key, these stages run again, and so do later stages whose inputs have changed as a "
        "result. `make graph` writes this page; `make plan` shows what a change would do.",
    ]
    rows = _rows(params, readers)
    for comments, section in SECTION.findall(params):
        parts.append(f"## {section}")
        if comments:
            parts.append(" ".join(line.removeprefix("# ") for line in comments.splitlines()))
        parts.append(table(("Key", "Here", "What it is", "Read by"), rows[section]))
    return "\n\n".join(parts) + "\n"


def _rows(params: str, readers: Mapping[str, Sequence[str]]) -> dict[str, list[list[str]]]:
    """Return the table rows of each section; entries of one kind share the rows of the first."""
    rows: dict[str, dict[str, list[str]]] = {}
    path: list[str] = []
    for found in filter(None, map(LINE.match, params.splitlines())):
        path = [*path[: len(found["indent"]) // 2], found["key"]]
        name = _named(".".join(path))
        value = f"`{found['value']}`" if found["value"] else ""
        # a comment on one entry does not apply to the others
        comment = "" if name.endswith(">") else found["comment"] or ""
        of_section = rows.setdefault(path[0], {})
        if (value or comment) and name not in of_section:
            value = f"e.g. {value}" if value and "<" in name else value
            comment = comment.replace("|", r"\|").replace("<", r"\<")
            of_section[name] = [f"`{name}`", value, comment, _read_by(name, readers)]
    return {section: list(found.values()) for section, found in rows.items()}


def _named(key: str) -> str:
    """Replace the name of an entry in a key of params.yaml or dvc.yaml with its placeholder."""
    section, *rest = re.sub(r"\$\{.*?\}", "*", key).split(".")
    if rest and section in ENTRIES:
        rest[0] = ENTRIES[section]
    return ".".join([section, *rest])


def _read_by(key: str, readers: Mapping[str, Sequence[str]]) -> str:
    """List the stages that read a key, a part of it, or a section that contains it."""
    name = f"{key}."
    chosen = "<profile>" if key == "profile" else name  # it selects the profile to read
    found = []
    for stage, params in readers.items():
        parts = dict.fromkeys(p.removeprefix(name) for p in params if p.startswith(name))
        if any(chosen in f"{p}." or name.startswith(f"{p}.") for p in params):
            is_whole = key == "profile" or any(name.startswith(f"{p}.") for p in params)
            is_whole |= "*" in parts
            found.append(f"`{stage}`" if is_whole else f"`{stage}` ({', '.join(parts)})")
    return ", ".join(found) or "none: it changes no result"
