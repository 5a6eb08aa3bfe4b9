"""Schedule: whose turn it is; held against networkx on graphs of every shape."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.launch.schedule import Schedule, Task, longest_ways


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    """Draw tasks, each after some of those before it."""
    count = draw(st.integers(1, 12))
    return [
        Task(
            name=str(number),
            after=frozenset(map(str, draw(st.sets(st.integers(0, max(0, number - 1)))))) - {"0"}
            if number
            else frozenset(),
            seconds=draw(st.floats(0.0, 100.0)),
        )
        for number in range(count)
    ]


def as_networkx(tasks: list[Task]) -> nx.DiGraph:
    """Return the same graph with each edge as long as the task that it leaves."""
    graph = nx.DiGraph()
    seconds = {task.name: task.seconds for task in tasks}
    for task in tasks:
        graph.add_edge(task.name, "end", weight=task.seconds)
        graph.add_edges_from((name, task.name, {"weight": seconds[name]}) for name in task.after)
    return graph


@given(graphs())
def test_longest_ways_are_those_of_networkx(tasks: list[Task]) -> None:
    graph = as_networkx(tasks)
    for name, way in longest_ways(tasks).items():
        ahead = graph.subgraph(nx.descendants(graph, name) | {name})
        assert way == pytest.approx(nx.dag_longest_path_length(ahead))


@given(graphs(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_every_task_runs_once_and_after_those_it_waits_for(
    tasks: list[Task], jobs: int, random: object
) -> None:
    schedule, after, ended = Schedule(tasks), {t.name: t.after for t in tasks}, []
    while not schedule.is_over:
        for name in schedule.ready()[: jobs - len(schedule.running)]:
            assert after[name] <= set(ended)
            schedule.start(name)
        name = random.choice(schedule.running)  # type: ignore[attr-defined]
        schedule.end(name)
        ended.append(name)
    assert sorted(ended) == sorted(after)


@given(graphs(), st.data())
def test_a_failure_leaves_out_just_what_hangs_on_it(tasks: list[Task], data: st.DataObject) -> None:
    failing = data.draw(st.sampled_from([task.name for task in tasks]))
    schedule = Schedule(tasks)
    while not schedule.is_over:
        for name in schedule.ready():
            schedule.start(name)
        for name in list(schedule.running):
            if name == failing:
                schedule.fail(name)
            else:
                schedule.end(name)
    hanging = nx.descendants(as_networkx(tasks), failing) - {"end"}
    assert schedule.failed == [failing]
    assert set(schedule.left_out) == hanging
    assert set(schedule.done) == {task.name for task in tasks} - hanging - {failing}


def test_the_longest_way_to_the_end_comes_first() -> None:
    tasks = [
        Task("short", frozenset(), 1.0),
        Task("long", frozenset(), 5.0),
        Task("way", frozenset(), 2.0),
        Task("after", frozenset({"way"}), 4.0),
    ]
    assert Schedule(tasks).ready() == ["way", "long", "short"]


def test_what_is_waited_for_outside_is_done() -> None:
    assert Schedule([Task("train", frozenset({"tokens"}), 1.0)]).ready() == ["train"]
