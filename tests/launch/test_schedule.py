"""The order of stages, compared with networkx on random graphs."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from pipeline.launch.schedule import Task, longest_way_first


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    """Draw tasks that depend on some earlier tasks, and perhaps on one that is done."""
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
def test_the_longest_path_comes_first_and_dependencies_before_tasks(tasks: list[Task]) -> None:
    seconds = {task.name: task.seconds for task in tasks}
    graph = nx.DiGraph()  # an edge has the length of the task at its start
    graph.add_weighted_edges_from((name, "end", way) for name, way in seconds.items())
    graph.add_weighted_edges_from(
        (name, task.name, seconds[name]) for task in tasks for name in task.after - {"-1"}
    )
    seen, before = {"-1"}, float("inf")
    for task in longest_way_first(tasks):
        assert task.after <= seen
        ahead = graph.subgraph(nx.descendants(graph, task.name) | {task.name})
        way = nx.dag_longest_path_length(ahead)
        assert way <= before + 1e-9
        seen.add(task.name)
        before = way
    assert seen == {"-1", *seconds}
