"""Turns, and processes of their own."""

import numpy as np
import pytest

from benchmarks.machine import peak_memory_mb, results_json
from benchmarks.turns import apart, in_turns


def test_in_every_round_each_takes_its_turn() -> None:
    order: list[tuple[str, int]] = []

    def take(name: str, number: int) -> str:
        order.append((name, number))
        return name * number

    assert in_turns(["a", "b"], 3, take) == {"a": ["", "a", "aa"], "b": ["", "b", "bb"]}
    assert order == [(name, number) for number in range(3) for name in "ab"]


def test_a_new_process_does_not_inherit_the_peak_of_the_one_that_starts_it() -> None:
    grown = np.ones(2**27)  # 1 GiB, touched
    assert peak_memory_mb() > 1024
    del grown
    assert apart(peak_memory_mb) < 1024


def test_what_goes_wrong_in_a_process_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 1, 0)


def test_a_devices_name_makes_a_file_name() -> None:
    assert results_json("NVIDIA H100 80GB HBM3").name == "nvidia-h100-80gb-hbm3.json"
    assert results_json("cpu", "agreement").name == "agreement-cpu.json"
