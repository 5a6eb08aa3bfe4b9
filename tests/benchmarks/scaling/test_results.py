"""What is read out of the numbers of several parts."""

from typing import Any

import pytest

from benchmarks.scaling.results import lock_seconds, overhead_at
from benchmarks.scaling.simulation import Overhead


def test_the_lock_is_what_each_further_stage_takes_longer(graph: dict[str, Any]) -> None:
    size = graph["sizes"][0]  # 1.5 s alone, two together 2.5 s, four 4 s, eight 8 s
    assert lock_seconds(size, processors=2) == 1.0
    assert lock_seconds(size, processors=4) == pytest.approx(2.5 / 3)
    assert lock_seconds(size, processors=64) == pytest.approx(6.5 / 7)
    size["costs"]["2 stages"] = None  # four are nearest now
    assert lock_seconds(size, processors=2) == pytest.approx(2.5 / 3)


def test_the_lock_is_never_longer_than_the_whole_stage(graph: dict[str, Any]) -> None:
    size = graph["sizes"][0]
    size["costs"]["2 stages"]["wall_seconds"] = 9.0
    assert lock_seconds(size, processors=2) == 1.5


def test_no_lock_is_told_where_none_began_together_or_it_does_not_show(
    graph: dict[str, Any],
) -> None:
    small, large = graph["sizes"]
    assert lock_seconds(large, processors=2) is None
    small["costs"]["2 stages"]["wall_seconds"] = 1.4  # less than one alone
    assert lock_seconds(small, processors=2) is None


def test_overheads_are_those_measured_and_lie_between_them(graph: dict[str, Any]) -> None:
    assert overhead_at(graph, 33) == Overhead(start=0.5, lock=1.0)
    between = overhead_at(graph, (33 + 2013) // 2)
    assert between.whole == pytest.approx((1.5 + 60.0) / 2)


def test_beyond_what_was_measured_the_overhead_grows_with_the_stages(
    graph: dict[str, Any],
) -> None:
    # the lock was measured at 33 stages only: 122 s, but no more than the whole
    assert overhead_at(graph, 2 * 2013) == Overhead(start=0.0, lock=120.0)
    graph["sizes"][1]["costs"]["stage"] = None  # given up
    assert overhead_at(graph, 66) == Overhead(start=1.0, lock=2.0)


def test_where_no_lock_was_measured_it_is_taken_for_all_that_dvc_adds(
    graph: dict[str, Any],
) -> None:
    graph["sizes"] = graph["sizes"][1:]
    assert overhead_at(graph, 2013) == Overhead(start=0.0, lock=60.0)
