"""The whole pipeline from nothing: in which ways, and what is kept of each."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.scaling.jobs import lock_sha256, measure, ways_of
from pipeline.errors import PipelineError
from tests.torture.repository import ROOT

# stands in for the pipeline: says what it was asked, and notes a stage's time as stages do
STAND_IN = """\
import json, os, pathlib, sys
pathlib.Path("dvc.lock").write_text(" ".join(sys.argv[1:]) + os.environ["OMP_NUM_THREADS"])
times = pathlib.Path(".times/demo")
times.mkdir(parents=True)
(times / "inputs.json").write_text(json.dumps({"schema": "time/1", "seconds": 0.01}))
"""


def test_a_serial_run_on_one_thread_is_added_where_others_have_fewer_threads() -> None:
    assert ways_of([1, 2, 4], processors=2) == {
        "serial": (1, 2),
        "JOBS=2": (2, 1),
        "JOBS=4": (4, 1),
        "serial, one thread": (1, 1),
    }
    assert ways_of([1], processors=2) == {"serial": (1, 2)}
    assert ways_of([2], processors=1) == {"serial": (1, 1), "JOBS=2": (2, 1)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose pipeline is a stand-in."""
    root = tmp_path / "root"
    (root / "pipeline").mkdir(parents=True)
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    git(root, "init")
    commit(root, STAND_IN)
    return root


def git(root: Path, *arguments: str) -> None:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, *arguments], cwd=root, check=True, capture_output=True)  # noqa: S607


def commit(root: Path, pipeline: str) -> None:
    (root / "pipeline/__main__.py").write_text(pipeline)
    git(root, "add", ".")
    git(root, "commit", "-m", "a pipeline")


def test_each_way_is_run_in_a_clone_of_the_last_commit(repository: Path) -> None:
    (repository / "pipeline/__main__.py").write_text("raise SystemExit('not committed')")
    found = measure({"serial": (1, 2), "JOBS=4": (4, 1)}, repository)
    assert found["profile"] == "demo"
    serial, four = found["ways"]["serial"], found["ways"]["JOBS=4"]
    assert (serial["jobs"], serial["threads"], four["jobs"], four["threads"]) == (1, 2, 4, 1)
    assert serial["lock_sha256"] != four["lock_sha256"]  # what they were asked
    (stage,) = four["stages"]
    assert (stage["name"], stage["seconds"]) == ("inputs", 0.01)
    assert 0 <= stage["start"] <= four["cost"]["wall_seconds"]
    assert not (repository / "dvc.lock").exists()


def test_a_run_that_fails_ends_the_measurement_in_its_own_words(repository: Path) -> None:
    commit(repository, "raise SystemExit('no room on the disk')")
    with pytest.raises(PipelineError, match="no room on the disk"):
        measure({"serial": (1, 1)}, repository)


def test_locks_are_the_same_in_whatever_order_stages_ended(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in "abc")
    first.write_text("stages:\n  a: {md5: 1}\n  b: {md5: 2}\n")
    second.write_text("stages:\n  b: {md5: 2}\n  a: {md5: 1}\n")
    other.write_text("stages:\n  a: {md5: 2}\n  b: {md5: 1}\n")
    assert lock_sha256(first) == lock_sha256(second) != lock_sha256(other)
