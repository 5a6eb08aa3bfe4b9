"""This repository's own graph with as many runs as one likes, whose stages only write files.

All that DVC has to do with is real: dvc.yaml and its lists of code, params.yaml, the code itself.
A stage's command writes the same line into each of its outs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from io import StringIO
from itertools import cycle
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from checks.graph import ROOT
from pipeline.launch.lists import written
from pipeline.params import load_params
from pipeline.tasks import CORPORA

COPIED = (
    "pipeline",
    "stages",
    ".dvc/config",
    ".dvc/plots",
    ".dvcignore",
    ".gitignore",
    "reports/dead-heads.json",
)
LINE = "written"
FOLDERS_FILE = "tokenizer.json"  # in an out that is a folder; of data/backbone it is a dep
SCRIPT = f"""\
for out; do
    case $out in *.*) ;; *) out=$out/{FOLDERS_FILE} ;; esac
    mkdir -p "${{out%/*}}"
    echo {LINE} > "$out"
done
"""


class GrownRepository:
    """A DVC repository like this one with so many runs, in which nothing has been run yet."""

    def __init__(self, folder: Path, num_runs: int) -> None:
        self.folder = folder
        for name in COPIED:
            _copy(ROOT / name, folder / name)
        params = YAML().load(ROOT / "params.yaml")
        params["runs"] = dict(_runs(params["runs"], num_runs))
        params["configurations"] = {
            run: {"run": run, "corpus": next(iter(told["batch_size"]))}
            for run, told in params["runs"].items()
        }
        YAML().dump(params, folder / "params.yaml")
        runs = load_params(folder / "params.yaml").runs
        self.runs = list(runs)
        graph = written((ROOT / "dvc.yaml").read_text(encoding="utf-8"), runs, trials=[])
        (folder / "trials.yaml").write_text("trials: {}\n", encoding="utf-8")
        self.graph = with_commands(graph)
        (folder / "dvc.yaml").write_text(self.graph, encoding="utf-8")
        (folder / "write.sh").write_text(SCRIPT, encoding="utf-8")
        self.run("git", "init", "--quiet")

    @property
    def lock(self) -> Path:
        """Return where its dvc.lock is."""
        return self.folder / "dvc.lock"

    def run(self, *command: str) -> str:
        """Run a command of this environment, and return what it says.

        Raises:
            CalledProcessError: it failed.
        """
        # no shell, and what is run is written in this package
        return subprocess.run(  # noqa: S603
            command, cwd=self.folder, env=environment(), check=True, text=True, capture_output=True
        ).stdout

    def write_outs(self) -> None:
        """Write what all the commands would."""
        for out in all_outs(self.graph, self.runs):
            path = self.folder / (out if Path(out).suffix else f"{out}/{FOLDERS_FILE}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{LINE}\n", encoding="utf-8")


def environment() -> dict[str, str]:
    """Return the variables of commands: this Python first, DVC's index in the repository."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    index = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": ".dvc/tmp/site"}
    return os.environ | {"PATH": path} | index


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _runs(known: Mapping[str, Any], count: int) -> Iterator[tuple[str, Any]]:
    """Yield so many runs: those of Table 2, over and over under new names of the same length."""
    for number, (name, told) in zip(range(count), cycle(known.items()), strict=False):
        yield f"{name}-{number:04d}", deepcopy(told)  # else YAML makes an alias of it


def with_commands(graph: str) -> str:
    """Return dvc.yaml with commands that write the outs of their stages."""
    bodies = (told.get("do", told) for told in YAML(typ="safe").load(graph)["stages"].values())
    commands = iter([f"exec sh write.sh {' '.join(_outs(body))}" for body in bodies])
    return re.sub(r"(?<=cmd: ).*", lambda _: next(commands), graph)


def all_outs(graph: str, runs: Sequence[str]) -> Iterator[str]:
    """Yield the outs of every stage of a dvc.yaml, names filled in."""
    for told in YAML(typ="safe").load(graph)["stages"].values():
        if told.get("foreach") == "${trials}":
            continue  # there are none
        each = told.get("foreach")
        keys = list(each) if isinstance(each, dict) else runs
        names = {"${item}": list(CORPORA), "${key}": keys, "${profile}": ["demo"]}
        for out in _outs(told.get("do", told)):
            (place,) = [place for place in names if place in out] or [""]
            yield from (out.replace(place, name) for name in names[place]) if place else [out]


def _outs(body: Mapping[str, Any]) -> list[str]:
    """Name all that a stage writes; an out with settings is a mapping of one key."""
    listed = [out for key in ("outs", "metrics", "plots") for out in body.get(key, [])]
    return [out if isinstance(out, str) else next(iter(out)) for out in listed]


def fill(small: GrownRepository, large: GrownRepository) -> None:
    """Make it as if all of a large repository had been run, from a small one that was.

    With a thousand runs `dvc repro`, and `dvc commit` too, would take hours. All files hold the
    same line, so that the lock of a further run is that of an earlier one under another name.

    Args:
        small: one with the runs of Table 2 once, and a dvc.lock that DVC wrote.
        large: one with more.
    """
    large.write_outs()
    shutil.copytree(small.folder / ".dvc/cache", large.folder / ".dvc/cache")
    large.lock.write_text(grown_lock(small, large), encoding="utf-8")


def grown_lock(small: GrownRepository, large: GrownRepository) -> str:
    """Return the dvc.lock that DVC would have written for more runs."""
    head, *parts = re.split(r"^(?=  \S+:$)", small.lock.read_text(encoding="utf-8"), flags=re.M)
    blocks = {part.split(":\n", 1)[0].strip(): part for part in parts}
    models = dict(zip(large.runs, cycle(small.runs), strict=False))
    text = [head]
    for name, block in blocks.items():
        group, _, run = name.partition("@")
        if run in small.runs:
            if run == small.runs[0]:  # all of a group, where its first one is
                text += [
                    blocks[f"{group}@{model}"].replace(model, run) for run, model in models.items()
                ]
        elif any(run in block for run in small.runs):
            text.append(_grown_block(name, block, models, large))
        else:
            text.append(block)
    return "".join(text)


def _grown_block(name: str, block: str, models: Mapping[str, str], large: GrownRepository) -> str:
    """Return the lock of a stage with a list of all runs."""
    told = YAML(typ="safe").load(block)[name]
    copies: dict[str, list[str]] = {}
    for run, model in models.items():
        copies.setdefault(model, []).append(run)

    def grown(text: str) -> list[str]:
        model = next((model for model in copies if model in text), None)
        return [text.replace(model, run) for run in copies[model]] if model else [text]

    for key in ("deps", "outs"):
        paths = {path: item for item in told[key] for path in grown(item["path"])}
        told[key] = [{**paths[path], "path": path} for path in sorted(paths)]
    params = YAML(typ="safe").load(large.folder / "params.yaml")
    keys = [key for locked in told["params"]["params.yaml"] for key in grown(locked)]
    told["params"]["params.yaml"] = {key: _value(params, key) for key in sorted(keys)}
    told["cmd"] = YAML(typ="safe").load(large.graph)["stages"][name]["cmd"]
    told["cmd"] = told["cmd"].replace("${profile}", "demo")
    return _dumped({"stages": {name: told}}).split("\n", 1)[1]


def _dumped(value: Any) -> str:
    """Return YAML as DVC lays it out."""
    yaml, stream = YAML(), StringIO()
    yaml.default_flow_style = False
    yaml.dump(value, stream)
    return stream.getvalue()


def _value(params: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        params = params[key]
    return params
