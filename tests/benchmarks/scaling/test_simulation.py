"""The simulated launcher, against schedules worked out by hand and bounds that always hold."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scaling.simulation import (
    Overhead,
    Ran,
    bounds,
    longest_path,
    makespan,
    simulate,
    swept,
)
from pipeline.launch.schedule import Task
from pipeline.launch.sweep import swept_runs, trials_of
from pipeline.params import load_params

ROOT = Path(__file__).parents[3]

TASKS = [
    Task("tokens", frozenset(), 1.0),
    Task("short", frozenset(["tokens"]), 2.0),
    Task("middle", frozenset(["tokens"]), 3.0),
    Task("long", frozenset(["tokens"]), 5.0),
    Task("report", frozenset(["short", "middle", "long"]), 1.0),
]


@pytest.mark.parametrize(("workers", "seconds"), [(1, 12.0), (2, 7.0), (3, 7.0), (64, 7.0)])
def test_makespans_are_those_worked_out_by_hand(workers: int, seconds: float) -> None:
    assert makespan(simulate(TASKS, workers)) == seconds


def test_the_longest_way_goes_first_and_a_free_worker_takes_the_next() -> None:
    assert simulate(TASKS, 2) == [
        Ran("tokens", 0, 0.0, 1.0),
        Ran("middle", 1, 1.0, 4.0),
        Ran("long", 0, 1.0, 6.0),
        Ran("short", 1, 4.0, 6.0),
        Ran("report", 0, 6.0, 7.0),
    ]


def test_stages_wait_for_each_others_lock_before_and_after_their_commands() -> None:
    two = [Task("a", frozenset(), 10.0), Task("b", frozenset(), 10.0)]
    ran = simulate(two, 2, Overhead(start=1.0, lock=4.0))
    # both start up for 1 s; a has the lock from 1 to 3 and from 13 to 15, b after it each time
    assert [(each.name, each.end) for each in ran] == [("a", 15.0), ("b", 17.0)]


def test_bounds_and_the_longest_path_are_those_worked_out_by_hand() -> None:
    found = bounds(TASKS, Overhead(start=1.0, lock=0.5))
    assert (found.work, found.path, found.lock) == (12 + 5 * 1.5, 7 + 3 * 1.5, 2.5)
    assert longest_path(TASKS) == ["tokens", "long", "report"]


def test_a_sweep_has_a_trial_for_each_further_seed_that_trains_and_scores() -> None:
    tasks = [
        Task("inputs", frozenset(), 1.0),
        Task("train@x", frozenset(["inputs"]), 5.0),
        Task("train@y", frozenset(["inputs"]), 7.0),
        Task("evaluate@x", frozenset(["inputs", "train@x"]), 2.0),
        Task("evaluate@y", frozenset(["inputs", "train@y"]), 3.0),
        Task("report", frozenset(["evaluate@x", "evaluate@y"]), 1.0),
    ]
    trials = {"trials@x 2": 5.0, "trials@y 2": 8.0}  # less the 2 s of a start-up
    assert swept(tasks, 1) == tasks
    assert swept(tasks, 2) == [
        *tasks[:2],
        Task("trials@x 2", frozenset(["inputs"]), trials["trials@x 2"]),
        tasks[2],
        Task("trials@y 2", frozenset(["inputs"]), trials["trials@y 2"]),
        *tasks[3:5],
        Task("report", tasks[5].after | set(trials), 1.0),
    ]


def test_a_sweep_of_all_runs_has_as_many_stages_as_the_real_one() -> None:
    params = load_params(ROOT / "params.yaml")
    trials = trials_of(params, swept_runs(params, None), 5, {})
    tasks = [Task(f"train@{run}", frozenset(), 1.0) for run in params.runs]
    names = [task.name for task in swept(tasks, 5) if task.name.startswith("trials@")]
    assert len(names) == len(trials) == 40


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    seconds = draw(st.lists(st.integers(0, 20), min_size=1, max_size=10))
    return [
        Task(
            str(i),
            frozenset(map(str, draw(st.sets(st.integers(0, i - 1))))) if i else frozenset(),
            s,
        )
        for i, s in enumerate(seconds)
    ]


overheads = st.builds(Overhead, st.integers(0, 3), st.sampled_from([0, 2, 4]))


@given(graphs(), st.integers(1, 5), overheads)
def test_no_schedule_beats_its_bounds(tasks: list[Task], workers: int, overhead: Overhead) -> None:
    found, least = makespan(simulate(tasks, workers, overhead)), bounds(tasks, overhead)
    assert found >= max(least.path, least.work / workers, least.lock)


@given(graphs(), overheads)
def test_one_worker_takes_the_sum(tasks: list[Task], overhead: Overhead) -> None:
    assert makespan(simulate(tasks, 1, overhead)) == bounds(tasks, overhead).work


@given(graphs(), st.integers(1, 5), overheads)
def test_tasks_run_once_after_what_they_wait_for_one_at_a_time_on_a_worker(
    tasks: list[Task], workers: int, overhead: Overhead
) -> None:
    ran = {each.name: each for each in simulate(tasks, workers, overhead)}
    assert set(ran) == {task.name for task in tasks}
    assert all(ran[n].end <= ran[task.name].start for task in tasks for n in task.after)
    for worker in range(workers):
        turns = sorted((r.start, r.end) for r in ran.values() if r.worker == worker)
        assert all(first[1] <= then[0] for first, then in pairwise(turns))
