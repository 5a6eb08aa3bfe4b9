"""A clone has every byte that was committed, whatever git is told to do with line ends."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.torture.repository import COPIED, ROOT

USERS = {  # files that a user may add
    "data-sets/own.csv": b"id,first\r\n1,a line that ends as it does on Windows\r\n",
    "data-sets/own.tsv": b"id\tfirst\n1\tone line\n",
    "pipeline/own.py": b"x = 1\n",
    "scripts/own": b"#!/bin/sh\necho own\n",
    "mixed.txt": b"one\r\ntwo\nthree\r",
    "reports/own.svg": b"<svg>\n</svg>\n",
}
SETTINGS = ("core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf")


def git(folder: Path, *command: str) -> None:
    command = ("git", *command)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def contents(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("place", [".", "course/minbert"])
def test_a_clone_has_every_byte(setting: str, place: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    project = ours / place
    for name in (*COPIED, ".ci", ".gitattributes", "Makefile", "dvc.lock", "docs"):
        source, copy = ROOT / name, project / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    if place != ".":
        (ours / ".gitattributes").write_bytes(b"* text=auto eol=crlf\n")
    for name, content in USERS.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    before = contents(project)
    git(ours, "init", "-q")
    git(ours, "-c", setting, "add", "-Af")
    git(ours, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "all")
    git(tmp_path, "-c", setting, "clone", "-q", str(ours), str(theirs))
    assert contents(theirs / place) == before
