"""How everything grows: jobs measured in clones, workers simulated."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import scaling
from benchmarks.scaling import Task, makespan, overhead, swept
from pipeline.core.files import read_json
from pipeline.errors import PipelineError

ROOT = Path(__file__).parents[2]
TASKS = [
    Task("tokens", frozenset(), 1.0),
    Task("short", frozenset(["tokens"]), 2.0),
    Task("middle", frozenset(["tokens"]), 3.0),
    Task("long", frozenset(["tokens"]), 5.0),
    Task("report", frozenset(["short", "middle", "long"]), 1.0),
]


@pytest.mark.parametrize(("workers", "seconds"), [(1, 12.0), (2, 7.0), (64, 7.0)])
def test_makespans_are_those_worked_out_by_hand(workers: int, seconds: float) -> None:
    assert makespan(TASKS, workers) == seconds


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
    # Graham's bound of any list schedule
    assert max(path, work / workers) <= makespan(tasks, workers) <= work / workers + path


def test_a_sweep_has_a_trial_for_each_further_seed_that_trains_and_scores() -> None:
    tasks = [
        Task("inputs", frozenset(), 1.0),
        Task("train@x", frozenset(["inputs"]), 5.0),
        Task("evaluate@x", frozenset(["train@x"]), 2.0),
        Task("report", frozenset(["evaluate@x"]), 1.0),
    ]
    assert swept(tasks, 1) == tasks
    trials = [Task(f"train@x {seed}", frozenset(["inputs"]), 7.0) for seed in (2, 3)]
    report = Task("report", frozenset(["evaluate@x", "train@x 2", "train@x 3"]), 1.0)
    assert swept(tasks, 3) == [*tasks[:-1], *trials, report]


@pytest.mark.parametrize(
    ("two", "stages", "expected"),
    [
        (2.5, 10, (1.5, 1.0)),
        (2.5, 55, (8.25, 5.5)),  # between
        (2.5, 200, (30.0, 20.0)),  # beyond: in proportion
        (9.0, 10, (1.5, 1.5)),  # the lock is no longer than the whole
    ],
)
def test_what_dvc_adds_lies_between_what_was_measured_and_grows_beyond(
    two: float, stages: int, expected: tuple[float, float]
) -> None:
    costs = {"stage": 1.5, "2 stages": two}
    sizes: list[dict[str, Any]] = [
        {"stages": n, "costs": {what: {"wall_seconds": n * s / 10} for what, s in costs.items()}}
        for n in (10, 100)
    ]
    sizes.append({"stages": 1000, "costs": {"stage": None}})  # given up
    assert overhead({"sizes": sizes}, stages) == pytest.approx(expected)


# stands in for the pipeline: writes down what it was asked
STAND_IN = """\
import json, os, pathlib, sys
asked = {"asked": sys.argv[1:], "threads": os.environ["OMP_NUM_THREADS"]}
pathlib.Path("dvc.lock").write_text(json.dumps(asked))
"""


def commit(root: Path, pipeline: str) -> None:
    (root / "pipeline").mkdir(parents=True, exist_ok=True)
    (root / "pipeline/__main__.py").write_text(pipeline)
    (root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a pipeline"]):
        subprocess.run(["git", *author, *words], cwd=root, check=True)  # noqa: S607


def test_each_way_is_run_in_a_clone_of_the_last_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    commit(tmp_path, STAND_IN)
    (tmp_path / "pipeline/__main__.py").write_text("raise SystemExit('not committed')")
    found = scaling.measure_jobs(tmp_path)
    threads = {name: way["threads"] for name, way in found["ways"].items()}
    assert threads == {"serial": 2, "JOBS=2": 1, "JOBS=4": 1, "serial, one thread": 1}
    assert len({way["lock_sha256"] for way in found["ways"].values()}) == 4  # what they were asked
    assert all(way["cost"]["wall_seconds"] > 0 for way in found["ways"].values())
    assert not (tmp_path / "dvc.lock").exists()
    commit(tmp_path, "raise SystemExit('no room on the disk')")
    with pytest.raises(PipelineError, match="no room on the disk"):
        scaling.measure_jobs(tmp_path)


def test_stages_are_recorded_once_all_of_them_have_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(scaling, "last_seconds", lambda _: {})
    with pytest.raises(
        PipelineError, match=r"nothing says what backbone, corpora, .* take"
    ) as told:
        scaling.record_stages()
    names = str(told.value).partition(" what ")[2].partition(" take")[0].split(", ")
    monkeypatch.setattr(scaling, "last_seconds", lambda _: dict.fromkeys(names, 1.0))
    profiles = scaling.record_stages()["profiles"]
    assert {stage["name"] for stage in profiles["demo"]} == set(names)
    assert (
        profiles["laptop"] == read_json(ROOT / "reports/scaling/stages.json")["profiles"]["laptop"]
    )
