"""Rooms are the code deps of stages: dvc.yaml must name every room that a stage imports from.

DVC does not see imports. If a room is missing, results may be stale, and the run cache may even
restore results of old code.
"""

import ast
import json
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from pipeline.core.yaml12 import read_yaml

ROOT = Path(__file__).parents[2]
STAGES: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")["stages"]
COMPUTING = {"tokens", "features", "train", "evaluate", "trials"}
SOURCES = (".py", ".yaml", ".jinja")
LOCK = "requirements-compute.lock"
# no deps: DVC tracks their values as params, or they change no byte of an out
EXEMPT = {"pipeline/plumbing", "pipeline/errors.py"}


def imported(path: Path) -> set[Path]:
    """Return our own files that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = {(ROOT / name.replace(".", "/")).with_suffix(".py") for name in names}
    return {file for file in files if file.is_file()}


def code_of(stage: str) -> set[str]:
    """Return the rooms and the files outside rooms that a stage imports."""
    seen: set[Path] = set()
    todo = {ROOT / f"stages/{stage}.py"}
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo |= imported(path)
    parts = [path.relative_to(ROOT).parts for path in seen]
    return {"/".join(p[:2]) for p in parts} - EXEMPT


def deps_of(stage: str) -> set[str]:
    body = STAGES[stage].get("do", STAGES[stage])
    return set(body["deps"])


@pytest.mark.parametrize("stage", STAGES)
def test_deps_match_the_rooms_that_a_stage_imports(stage: str) -> None:
    declared = {dep for dep in deps_of(stage) if dep.startswith(("pipeline/", "stages/"))}
    assert declared == code_of(stage)


def test_imports_of_imports_count() -> None:
    assert "pipeline/tokens" in code_of("train")  # through the heads
    assert "pipeline/encoder" not in code_of("corpora")


def test_computing_stages_depend_on_the_versions_of_their_packages() -> None:
    assert {stage for stage in STAGES if LOCK in deps_of(stage)} == COMPUTING


def test_package_init_files_import_nothing() -> None:
    for path in (ROOT / "pipeline").rglob("__init__.py"):
        assert not imported(path), path


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code in which one stage depends on every room."""
    folder = tmp_path_factory.mktemp("rooms")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=ignore)
    shutil.copy(ROOT / ".dvcignore", folder)
    # if Python has written caches, git keeps the folder of an older version, which is not a room
    rooms = sorted(f"pipeline/{p.parent.name}" for p in folder.glob("pipeline/*/__init__.py"))
    stages = {f"room{i}": {"cmd": "true", "deps": [room]} for i, room in enumerate(rooms)}
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    with chdir(folder), Repo.init(no_scm=True) as dvc:
        dvc.reproduce()
    return folder


def changed_stages(repository: Path) -> set[str]:
    with chdir(repository), Repo() as dvc:
        return set(dvc.status())


@pytest.mark.dvc
def test_dvc_hashes_exactly_the_source_files_of_a_room(repository: Path) -> None:
    lock = read_yaml(repository / "dvc.lock")
    for stage in lock["stages"].values():
        (dep,) = stage["deps"]
        files = [p for p in (repository / dep["path"]).rglob("*") if p.suffix in SOURCES]
        assert dep["nfiles"] == len(files) > 0

    for stage in lock["stages"].values():
        room = repository / stage["deps"][0]["path"]
        (room / "notes.txt~").write_text("of an editor")
        (room / "__pycache__").mkdir(exist_ok=True)
        (room / "__pycache__/x.pyc").write_bytes(b"1")
    assert changed_stages(repository) == set()

    for stage in lock["stages"].values():
        module = next((repository / stage["deps"][0]["path"]).rglob("*.py"))
        module.write_text(module.read_text() + "# edited\n")
    assert changed_stages(repository) == lock["stages"].keys()
