"""Scaling: jobs are measured in clones, and workers are simulated.

The simulated tables are in test_pages.py, from the committed numbers.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import scaling
from benchmarks.scaling import Task, makespan
from pipeline.core.files import read_json
from pipeline.errors import PipelineError
from tests.params import ROOT
from tests.working_copy import WorkingCopy


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    seconds = draw(st.lists(st.integers(0, 20), min_size=1, max_size=10))
    after = [draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(len(seconds))]
    return [Task(str(i), frozenset(map(str, after[i])), s) for i, s in enumerate(seconds)]


@given(graphs(), st.integers(1, 5))
def test_no_schedule_beats_its_bounds_or_takes_longer_than_one_worker(
    tasks: list[Task], workers: int
) -> None:
    work, path = sum(task.seconds for task in tasks), makespan(tasks, len(tasks))
    assert makespan(tasks, 1) == work
    # Graham's bound for any list schedule
    assert max(path, work / workers) <= makespan(tasks, workers) <= work / workers + path


# a fake pipeline that records its arguments
FAKE = """\
import json, os, pathlib, sys
called = {"arguments": sys.argv[1:], "threads": os.environ["OMP_NUM_THREADS"]}
pathlib.Path("dvc.lock").write_text(json.dumps(called))
"""


def commit(root: Path, pipeline: str) -> None:
    (root / "pipeline").mkdir(parents=True, exist_ok=True)
    (root / "pipeline/__main__.py").write_text(pipeline)
    (root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a pipeline"]):
        WorkingCopy(root).done("git", *words)


def test_each_mode_runs_in_a_clone_of_the_last_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    commit(tmp_path, FAKE)
    (tmp_path / "pipeline/__main__.py").write_text("raise SystemExit('not committed')")
    found = scaling.measure_jobs(tmp_path)
    threads = {name: way["threads"] for name, way in found["ways"].items()}
    assert threads == {"serial": 2, "JOBS=2": 1, "JOBS=4": 1, "serial, one thread": 1}
    assert len({way["lock_sha256"] for way in found["ways"].values()}) == 4  # all different
    assert all(way["cost"]["wall_seconds"] > 0 for way in found["ways"].values())
    assert not (tmp_path / "dvc.lock").exists()
    commit(tmp_path, "raise SystemExit('the disk is full')")
    with pytest.raises(PipelineError, match="the disk is full"):
        scaling.measure_jobs(tmp_path)


def test_stages_are_recorded_once_all_of_them_have_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(scaling, "last_seconds", lambda _: {})
    with pytest.raises(PipelineError, match=r"no times are known for backbone, c") as missing:
        scaling.record_stages()
    names = str(missing.value).partition(" for ")[2].partition(";")[0].split(", ")
    monkeypatch.setattr(scaling, "last_seconds", lambda _: dict.fromkeys(names, 1.0))
    profiles = scaling.record_stages()["profiles"]
    assert {stage["name"] for stage in profiles["demo"]} == set(names)
    assert (
        profiles["laptop"] == read_json(ROOT / "reports/scaling/stages.json")["profiles"]["laptop"]
    )
