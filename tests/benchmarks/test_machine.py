"""What a machine is told by."""

import multiprocessing

import numpy as np

from benchmarks.machine import peak_memory_mb, results_json


def test_a_devices_name_makes_a_file_name() -> None:
    assert results_json("NVIDIA H100 80GB HBM3").name == "nvidia-h100-80gb-hbm3.json"
    assert results_json("cpu", "agreement").name == "agreement-cpu.json"


def test_a_new_process_does_not_inherit_the_peak_of_the_one_that_starts_it() -> None:
    grown = np.ones(2**27)  # 1 GiB, touched
    assert peak_memory_mb() > 1024
    del grown
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(peak_memory_mb) < 1024
