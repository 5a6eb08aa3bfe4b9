"""The device: chosen by name or for its speed, rejected if it is missing."""

import subprocess
import sys

import pytest
import torch

from pipeline.encoder.device import (
    choose_device,
    device_name,
    fitting_in_memory,
    has_fast_bf16,
)
from pipeline.errors import ParamsError, TrainingError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_chooses_the_fastest_device_and_missing_ones_are_rejected(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu") == CPU
    if not cuda:
        with pytest.raises(ParamsError, match=r"'cuda' is not available here; .*: auto, .*cpu"):
            choose_device("cuda")


def test_fast_bf16_depends_on_the_processors_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_name(CPU) == "cpu"
    for has, expected in (({"avx512_bf16": True}, True), ({"amx_bf16": False}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: has)
        assert has_fast_bf16(CPU) is expected
    assert not has_fast_bf16(torch.device("mps"))


FAULTS = """
import resource
import numpy as np
from pipeline.encoder.device import keep_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(25_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
given_back = faults()
keep_memory()
np.ones(25_000_000)
assert faults() < 0.1 * given_back
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_kept_memory_is_reused() -> None:
    """200 MB five times: either new pages from the system, or the same memory again."""
    subprocess.run([sys.executable, "-c", FAULTS], check=True)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("could not create a memory object"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_lack_of_memory_is_reported_in_one_sentence(error: Exception) -> None:
    """tests/end_to_end/test_bad_input.py has the errors that torch itself raises."""
    message = "a batch of 2 examples does not fit into the memory of cpu; lower batch_size"
    with (
        pytest.raises(TrainingError, match=f"^{message}$"),
        fitting_in_memory("a batch of 2 examples", CPU, "lower batch_size"),
    ):
        raise error


def test_other_errors_are_not_changed() -> None:
    with (
        pytest.raises(RuntimeError, match="shapes"),
        fitting_in_memory("a batch", CPU, "lower batch_size"),
    ):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
