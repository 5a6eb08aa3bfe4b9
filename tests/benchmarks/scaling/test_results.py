"""What is read out of the numbers of several parts."""

from typing import Any

import pytest

from benchmarks.scaling.results import lock_seconds, overhead_at
from benchmarks.scaling.simulation import Overhead


def test_the_lock_is_shared_out_among_the_most_that_began_together(graph: dict[str, Any]) -> None:
    assert lock_seconds(graph["sizes"][0]) == 1.0  # 8 in 8 s


def test_where_none_began_together_the_lock_is_taken_for_the_whole_stage(
    graph: dict[str, Any],
) -> None:
    assert lock_seconds(graph["sizes"][1]) == 60.0


def test_overheads_are_those_measured_and_lie_between_them(graph: dict[str, Any]) -> None:
    assert overhead_at(graph, 10) == Overhead(start=0.5, lock=1.0)
    assert overhead_at(graph, 1000) == Overhead(start=0.0, lock=60.0)
    between = overhead_at(graph, 505)  # half way
    assert between.whole == pytest.approx((1.5 + 60.0) / 2)


def test_beyond_what_was_measured_the_overhead_grows_with_the_runs(graph: dict[str, Any]) -> None:
    assert overhead_at(graph, 2000) == Overhead(start=0.0, lock=120.0)
    graph["sizes"][1]["costs"]["stage"] = None  # given up
    assert overhead_at(graph, 1000) == Overhead(start=50.0, lock=100.0)
