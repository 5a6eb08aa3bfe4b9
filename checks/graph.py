"""The lists in dvc.yaml that DVC's templates cannot make: modules, corpora, runs and trials.

`python -m checks.graph` (`make graph`) writes them anew from what stages import, params.yaml,
trials.yaml and pipeline/core/tasks.py (pipeline/launch/lists.py), and with them the picture in
docs/stages.md; tests/contracts/test_dvc_yaml.py holds the committed ones against these.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.core.files import write_text
from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import parse_yaml
from pipeline.launch.lists import watching, written
from pipeline.plumbing.params import RunParams, load_params
from pipeline.plumbing.trials import load_trials

ROOT = Path(__file__).parents[1]
GRAPH = ROOT / "dvc.yaml"
STAGES_PAGE = ROOT / "docs/stages.md"
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)
PACKAGES = ("pipeline", "stages")
DATA_FILE = re.compile(r'data_file\("(\w+\.yaml)", __file__\)')
# Plumbing of every stage: the values that pass through it are tracked as params, or it only tells
# (docs/decisions/0009-modules-as-deps.md).
EXEMPT = {
    "pipeline/plumbing/params.py",
    "pipeline/core/yaml12.py",
    "pipeline/errors.py",
    "pipeline/plumbing/entry.py",
    "pipeline/plumbing/progress.py",
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


def modules_of(stages: Iterable[str]) -> dict[str, list[str]]:
    """Return for each stage the modules, and the data files that these read, that are its deps."""
    modules = {stage: code_of(f"stages.{stage}") - EXEMPT for stage in stages}
    return {stage: sorted(code | data_of(code)) for stage, code in modules.items()}


def data_of(modules: Iterable[str]) -> set[str]:
    """Return the YAML files that modules read beside themselves."""
    return {
        str(Path(module).with_name(name))
        for module in modules
        for name in DATA_FILE.findall((ROOT / module).read_text(encoding="utf-8"))
    }


def written_anew(text: str, runs: Mapping[str, RunParams], trials: Iterable[str]) -> str:
    """Return dvc.yaml with all its lists written anew.

    Args:
        text: of dvc.yaml.
        runs: those of params.yaml, in their order.
        trials: the names of those of trials.yaml.
    """
    return written(text, runs, trials, modules_of(parse_yaml(text)["stages"]))


def picture(text: str, runs: Mapping[str, RunParams]) -> str:
    """Return the graph of dvc.yaml for mermaid, one node for all stages of a kind.

    Args:
        text: of dvc.yaml.
        runs: those of params.yaml.
    """
    graph = parse_yaml(written(text, runs, trials=["*"]))  # one stands for all
    stages = {name: told.get("do", told) for name, told in graph["stages"].items()}
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


def _kind(path: str, runs: Iterable[str]) -> str:
    """Put a star for the corpus, set of features, run or trial in a path."""
    path = re.sub(r"\$\{(item|key|item\.run)\}", "*", path)
    names = "|".join([*CORPORA, *FEATURE_SETS, *runs])
    return re.sub(rf"(?<=/)({names})(?=[/.]|$)", "*", path)


def main() -> None:
    """Write dvc.yaml and the picture of it anew."""
    params = load_params(ROOT / "params.yaml")
    trials = load_trials(params, ROOT / "trials.yaml")
    text = written_anew(GRAPH.read_text(encoding="utf-8"), params.all_runs, trials)
    text = watching(text, params.active.corpora)
    write_text(GRAPH, text)
    if STAGES_PAGE.is_file():
        shown = picture(text, params.all_runs)
        write_text(STAGES_PAGE, PICTURE.sub(lambda _: shown, STAGES_PAGE.read_text("utf-8"), 1))


if __name__ == "__main__":
    main()
