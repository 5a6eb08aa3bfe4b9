"""A clone has every byte that was committed, whatever git's settings for line ends are."""

import shutil
from pathlib import Path

import pytest

from tests.working_copy import WorkingCopy

ROOT = Path(__file__).parents[2]
FILES = {
    "dvc.lock": b"schema: '2.0'\n",
    "data-sets/own.csv": b"id,first\r\n1,a line that ends as it does on Windows\r\n",
    "data-sets/own.tsv": b"id\tfirst\n1\tone line\n",
    "pipeline/own.py": b"x = 1\n",
    ".ci/run": b"#!/bin/sh\necho own\n",
    "mixed.txt": b"one\r\ntwo\nthree\r",
    "reports/own.svg": b"<svg>\n</svg>\n",
}


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf"])
@pytest.mark.parametrize("place", [".", "course/minbert"])
def test_a_clone_has_the_same_bytes(setting: str, place: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for name, content in FILES.items():
        path = ours / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (ours / ".gitattributes").write_bytes(b"* text=auto eol=crlf\n")  # in a repository around it
    shutil.copy(ROOT / ".gitattributes", ours / place)
    copy = WorkingCopy(ours)
    copy.done("git", "init", "-q")
    copy.done("git", "-c", setting, "add", "-Af")
    copy.done("git", "commit", "-qm", "all")
    copy.done("git", "-c", setting, "clone", "-q", str(ours), str(theirs))
    assert {name: (theirs / place / name).read_bytes() for name in FILES} == FILES
