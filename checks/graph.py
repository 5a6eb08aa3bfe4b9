"""The lists in dvc.yaml that DVC's templates cannot make: modules, runs and corpora, one by one.

`python -m checks.graph` (`make graph`) writes them anew from what stages import, params.yaml and
pipeline/tasks.py, and with them the picture in docs/stages.md; tests/contracts/test_dvc_yaml.py
holds the committed ones against these.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.files import write_text
from pipeline.params import load_params
from pipeline.tasks import CORPORA

ROOT = Path(__file__).parents[1]
GRAPH = ROOT / "dvc.yaml"
STAGES_PAGE = ROOT / "docs/stages.md"
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)
PACKAGES = ("pipeline", "stages")
# Plumbing of every stage: the values that pass through it are tracked as params, or it only tells
# (docs/decisions/0009-modules-as-deps.md).
EXEMPT = {"pipeline/params.py", "pipeline/errors.py", "stages/entry.py", "stages/progress.py"}
# by stage and key: templates, for each corpus or run in turn; those of one tuple together
WRITTEN_OUT: dict[tuple[str, str], Sequence[tuple[str, ...]]] = {
    ("corpora", "outs"): [("data/corpora/{corpus}",)],
    ("validate", "deps"): [("data/corpora/{corpus}",)],
    ("validate", "outs"): [("data/validation/{corpus}.json",)],
    ("inputs", "deps"): [
        ("data/tokens/{corpus}",),
        ("data/features/{corpus}",),
        ("data/backbone",),
    ],
    ("inputs", "params"): [("runs.{run}.mode", "runs.{run}.batch_size")],
    ("inputs", "outs"): [("data/inputs/{run}.json",)],
    ("report", "deps"): [
        ("data/corpora/{corpus}",),
        ("data/validation/{corpus}.json",),
        ("data/scores/{run}.json",),
        ("data/runs/{run}/history.csv", "data/runs/{run}/run.json"),
        ("data/inputs/{run}.json",),
    ],
}


def file_of(module: str) -> Path | None:
    """Return the file of a first-party module, or None for a name inside a module."""
    path = ROOT.joinpath(*module.split("."))
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def imports_of(path: Path) -> set[str]:
    """Return the first-party modules that a file imports, and maybe names inside them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def code_of(module: str) -> set[str]:
    """Return every file that importing `module` runs, packages left out."""
    seen: set[str] = set()
    todo = {module}
    while todo:
        path = file_of(todo.pop())
        if path and path.name != "__init__.py" and str(path.relative_to(ROOT)) not in seen:
            seen.add(str(path.relative_to(ROOT)))
            todo |= imports_of(path)
    return seen


def written(text: str, runs: Sequence[str]) -> str:
    """Return dvc.yaml with its lists written anew.

    Args:
        text: of dvc.yaml.
        runs: the keys of `runs` in params.yaml, in their order.
    """
    lines = text.split("\n")
    for stage, told in YAML(typ="safe").load(text)["stages"].items():
        if isinstance(told.get("foreach"), list):
            lines[_place_of(lines, stage, "foreach")] = f"    foreach: [{', '.join(CORPORA)}]"
        body = told.get("do", told)
        for key in ("deps", "params", "outs"):
            items = _items(stage, key, body.get(key, []), runs)
            if items is not None:
                _replace(lines, stage, key, items)
    return "\n".join(lines)


def _items(stage: str, key: str, now: Sequence[Any], runs: Sequence[str]) -> list[str] | None:
    """Return what a list should hold; None where all of it is by hand."""
    listed = WRITTEN_OUT.get((stage, key))
    if key != "deps":
        return None if listed is None else list(_filled(listed, runs))
    data = [dep for dep in now if not dep.endswith(".py")]
    if listed is not None:
        data = list(_filled(listed, runs))
    return data + sorted(code_of(f"stages.{stage}") - EXEMPT)


def _filled(templates: Sequence[tuple[str, ...]], runs: Sequence[str]) -> Iterator[str]:
    for group in templates:
        names = CORPORA if "{corpus}" in group[0] else runs if "{run}" in group[0] else [""]
        for name in names:
            yield from (template.format(corpus=name, run=name) for template in group)


def _replace(lines: list[str], stage: str, key: str, items: Sequence[str]) -> None:
    """Put other items into a list of a stage; nothing else of the file changes."""
    first = _place_of(lines, stage, key) + 1
    last = first
    while lines[last].lstrip().startswith("- "):
        last += 1
    indent = lines[first][: -len(lines[first].lstrip())]
    lines[first:last] = [f"{indent}- {item}" for item in items]


def _place_of(lines: Sequence[str], stage: str, key: str) -> int:
    """Return which line begins what a stage has under a key."""
    start = lines.index(f"  {stage}:")
    return next(i for i in range(start, len(lines)) if lines[i].lstrip().startswith(f"{key}:"))


def picture(text: str, runs: Sequence[str]) -> str:
    """Return the graph of dvc.yaml for mermaid, one node for all stages of a kind.

    Args:
        text: of dvc.yaml.
        runs: the keys of `runs` in params.yaml.
    """
    stages = {
        name: told.get("do", told) for name, told in YAML(typ="safe").load(text)["stages"].items()
    }
    makers = {
        _kind(out, runs): name
        for name, body in stages.items()
        for out in body.get("outs", [])
        if isinstance(out, str)
    }
    arrows = [
        (makers[out], name)
        for name, body in stages.items()
        for dep in body["deps"]
        for out in makers
        if Path(_kind(dep, runs)).is_relative_to(out)
    ]
    lines = [f"    {before} --> {after}" for before, after in dict.fromkeys(arrows)]
    return "\n".join(["flowchart LR", *lines]) + "\n"


def _kind(path: str, runs: Sequence[str]) -> str:
    """Put a star for the corpus or run in a path."""
    path = re.sub(r"\$\{(item|key)\}", "*", path)
    names = "|".join([*CORPORA, *runs])
    return re.sub(rf"(?<=/)({names})(?=[/.]|$)", "*", path)


def main() -> None:
    """Write dvc.yaml and the picture of it anew."""
    runs = list(load_params(ROOT / "params.yaml").runs)
    text = written(GRAPH.read_text(encoding="utf-8"), runs)
    write_text(GRAPH, text)
    if STAGES_PAGE.is_file():
        shown = picture(text, runs)
        write_text(STAGES_PAGE, PICTURE.sub(lambda _: shown, STAGES_PAGE.read_text("utf-8"), 1))


if __name__ == "__main__":
    main()
