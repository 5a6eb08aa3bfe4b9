"""Writes the lists in dvc.yaml that DVC templates cannot express: corpora, runs, trials, own files.

`make graph` writes all of them. `make sweep` and `make readings` write those that their trials
change, and `make repro` writes the user's own files.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core import paths
from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import parse_yaml, read_yaml
from pipeline.plumbing.params import CorporaParams, LocalCorpora, RunParams

LOCK = "requirements-compute.lock"
WRITTEN_OUT: Mapping[str, Any] = read_yaml(Path(__file__).with_name("lists.yaml"))


def written(text: str, runs: Mapping[str, RunParams], trials: Iterable[str]) -> str:
    """Return the text of dvc.yaml with lists of these runs and trials, in the given order.

    The rest of the text is unchanged.
    """
    names: dict[str, list[str]] = {
        "{corpus}": list(CORPORA),
        "{set}": list(FEATURE_SETS),
        "{run}": list(runs),
        "{pair_run}": [name for name, run in runs.items() if run.pair_corpora],
        "{trial}": list(trials),
    }
    lines = text.split("\n")
    for stage, entry in parse_yaml(text)["stages"].items():
        if isinstance(entry.get("foreach"), list):
            lines[_place_of(lines, stage, "foreach")] = f"    foreach: [{', '.join(CORPORA)}]"
        if isinstance(entry.get("foreach"), dict):  # feature sets, each with its corpus
            sets = ", ".join(f"{name}: {corpus}" for name, (corpus, _) in FEATURE_SETS.items())
            lines[_place_of(lines, stage, "foreach")] = f"    foreach: {{{sets}}}"
        for key in ("deps", "params", "outs"):
            now = entry.get("do", entry).get(key, [])
            items = [item for item in now if not _is_code(item)]
            code = [item for item in now if _is_code(item)]
            if templates := WRITTEN_OUT.get(stage, {}).get(key):
                items = [
                    template.replace(kind, name)
                    for group in templates
                    for kind in [next((k for k in names if k in group[0]), "")]
                    for name in names.get(kind, [""])
                    for template in group
                ]
            if items + code != now:
                _replace(lines, stage, key, items + code)
    return "\n".join(lines)


def watching(text: str, corpora: CorporaParams) -> str:
    """Return the text of dvc.yaml with the user's own files, if used, as a dep of `corpora`."""
    lines = text.split("\n")
    code = [dep for dep in parse_yaml(text)["stages"]["corpora"]["deps"] if _is_code(dep)]
    own = []
    if isinstance(corpora, LocalCorpora):
        path = str(corpora.directory)
        is_plain = re.fullmatch(r"[\w./][\w./-]*", path)
        own = [path if is_plain else json.dumps(path, ensure_ascii=False)]
    _replace(lines, "corpora", "deps", own + code)
    return "\n".join(lines)


def trials_in(text: str) -> set[str]:
    """Return the trials whose scores are deps of the `report` stage in a dvc.yaml."""
    deps = [Path(dep) for dep in parse_yaml(text)["stages"]["report"]["deps"]]
    return {dep.parent.name for dep in deps if dep.is_relative_to(paths.TRIED)}


def _is_code(item: Any) -> bool:
    """Return whether a dep is a room, a stage script or the lock file, which are always kept."""
    return isinstance(item, str) and (item.startswith(("pipeline/", "stages/")) or item == LOCK)


def _replace(lines: list[str], stage: str, key: str, items: Sequence[str]) -> None:
    """Replace the items of one list of a stage in place."""
    first = _place_of(lines, stage, key) + 1
    last = first
    while lines[last].lstrip().startswith("- "):
        last += 1
    indent = lines[first][: -len(lines[first].lstrip())]
    lines[first:last] = [f"{indent}- {item}" for item in items]


def _place_of(lines: Sequence[str], stage: str, key: str) -> int:
    """Return the index of the line with this key of a stage."""
    start = lines.index(f"  {stage}:")
    return next(i for i in range(start, len(lines)) if lines[i].lstrip().startswith(f"{key}:"))
