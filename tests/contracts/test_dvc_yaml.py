"""dvc.yaml must name every module a stage imports: DVC cannot see imports itself.

A missing one is worse than stale: the run cache would bring back results of old code.
"""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.params import load_params
from pipeline.tasks import CORPORA

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "stages")
# Plumbing of every stage: the values that pass through it are tracked as params, or it only tells
# (docs/decisions/0009-modules-as-deps.md).
EXEMPT = {"pipeline/params.py", "pipeline/errors.py", "stages/entry.py", "stages/progress.py"}

DVC_YAML: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, Any] = DVC_YAML["stages"]
PARAMS = load_params(ROOT / "params.yaml")


def file_of(module: str) -> Path | None:
    """Return the file of a first-party module, or None for a name inside a module."""
    path = ROOT.joinpath(*module.split("."))
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def imports_of(path: Path) -> set[str]:
    """Return the first-party modules that a file imports, and maybe names inside them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
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


def body_of(name: str) -> dict[str, Any]:
    stage: dict[str, Any] = STAGES[name].get("do", STAGES[name])
    return stage


@pytest.mark.parametrize("name", STAGES)
def test_deps_name_every_imported_module(name: str) -> None:
    stage = body_of(name)
    module = stage["cmd"].split("-m ")[1].split()[0]
    declared = {dep for dep in stage["deps"] if dep.endswith(".py")}
    assert declared == code_of(module) - EXEMPT


@pytest.mark.parametrize("name", STAGES)
def test_every_command_replaces_its_shell(name: str) -> None:
    assert body_of(name)["cmd"].startswith(f"exec python -m stages.{name}")


@pytest.mark.parametrize("name", STAGES)
def test_every_dep_is_a_file_of_the_repository_or_an_out_of_a_stage(name: str) -> None:
    outs = [o for n in STAGES for out in outs_of(n) for o in filled(out)]
    for dep in body_of(name)["deps"]:
        if dep.endswith(".py"):
            assert (ROOT / dep).is_file()
        else:
            for path in filled(dep):
                assert any(Path(path).is_relative_to(out) for out in outs), path


def filled(template: str | dict[str, Any]) -> list[str]:
    """Return every path that a template of dvc.yaml stands for."""
    text = template if isinstance(template, str) else next(iter(template))
    texts = [text.replace("${item}", corpus) for corpus in CORPORA]
    return [text.replace("${key}", run) for text in texts for run in PARAMS.runs]


def outs_of(name: str) -> list[Any]:
    stage = body_of(name)
    return [*stage.get("outs", []), *stage.get("metrics", [])]


@pytest.mark.parametrize("name", [name for name in STAGES if name != "report"])
def test_outs_are_all_cached_so_that_the_run_cache_can_hold_them(name: str) -> None:
    assert all(isinstance(out, str) for out in outs_of(name))


def test_tokens_and_features_are_made_for_every_corpus() -> None:
    assert STAGES["tokens"]["foreach"] == list(CORPORA)
    assert STAGES["features"]["foreach"] == list(CORPORA)


def test_validation_and_inputs_name_every_corpus_and_run() -> None:
    assert body_of("validate")["outs"] == [f"data/validation/{name}.json" for name in CORPORA]
    assert body_of("inputs")["outs"] == [f"data/inputs/{name}.json" for name in PARAMS.runs]


def test_inputs_depends_on_all_that_a_run_may_read() -> None:
    folders = {f"data/{kind}/{name}" for kind in ("tokens", "features") for name in CORPORA}
    assert folders <= set(body_of("inputs")["deps"])


def test_inputs_reads_of_each_run_only_what_decides_its_files() -> None:
    keys = {f"runs.{name}.{key}" for name in PARAMS.runs for key in ("mode", "batch_size")}
    assert set(body_of("inputs")["params"]) == keys


def test_report_depends_on_every_run_and_corpus() -> None:
    deps = set(body_of("report")["deps"])
    assert {f"data/scores/{name}.json" for name in PARAMS.runs} <= deps
    assert {f"data/runs/{name}/history.csv" for name in PARAMS.runs} <= deps
    assert {f"data/runs/{name}/run.json" for name in PARAMS.runs} <= deps
    assert {f"data/validation/{name}.json" for name in CORPORA} <= deps


def test_no_stage_bears_the_name_of_a_standard_module() -> None:
    assert not {path.stem for path in (ROOT / "stages").glob("*.py")} & sys.stdlib_module_names
