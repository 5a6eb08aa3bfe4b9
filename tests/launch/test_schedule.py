"""Which stage goes first; held against networkx on graphs of every shape."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.launch.schedule import Task, longest_way_first, longest_ways


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    """Draw tasks, each after some of those before it, and of one that is done."""
    count = draw(st.integers(1, 12))
    return [
        Task(
            name=str(number),
            after=frozenset(map(str, draw(st.sets(st.integers(-1, number - 1))))),
            seconds=draw(st.floats(0.0, 100.0)),
        )
        for number in range(count)
    ]


@given(graphs())
def test_longest_ways_are_those_of_networkx(tasks: list[Task]) -> None:
    seconds = {task.name: task.seconds for task in tasks}
    graph = nx.DiGraph()  # each edge is as long as the task that it leaves
    graph.add_weighted_edges_from((name, "end", way) for name, way in seconds.items())
    graph.add_weighted_edges_from(
        (name, task.name, seconds[name]) for task in tasks for name in task.after - {"-1"}
    )
    for name, way in longest_ways(tasks).items():
        ahead = graph.subgraph(nx.descendants(graph, name) | {name})
        assert way == pytest.approx(nx.dag_longest_path_length(ahead))


@given(graphs())
def test_the_longest_way_is_first_and_no_task_before_one_that_it_waits_for(
    tasks: list[Task],
) -> None:
    ways, seen = longest_ways(tasks), {"-1"}
    ordered = longest_way_first(tasks)
    for task in ordered:
        assert task.after <= seen
        seen.add(task.name)
    lengths = [ways[task.name] for task in ordered]
    assert lengths == sorted(ways.values(), reverse=True)
