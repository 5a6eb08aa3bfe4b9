"""The device to compute on, and its memory."""

import ctypes
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipeline.errors import ParamsError, TrainingError

log = logging.getLogger(__name__)

# options of mallopt(3)
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGEST_INT = 2**31 - 1
MEMORY_STEP = 2**28  # bytes by which the heap grows

# how torch and its libraries report a failed allocation in an error of a general type
OUT_OF_MEMORY = (
    "can't allocate memory",  # the CPU allocator of torch
    "not enough memory",  # the same on Windows
    "could not create a memory object",  # oneDNN
    "std::bad_alloc",
    "out of memory",  # the CUDA runtime, MPS
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def choose_device(wanted: str) -> torch.device:
    """Return the device for `device` in params.yaml; `auto` means the fastest one available.

    Raises:
        ParamsError: the device is not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        wanted = next(name for name, is_available in available.items() if is_available)
    if not available[wanted]:
        names = ", ".join(name for name, is_available in available.items() if is_available)
        raise ParamsError(f"device: {wanted!r} is not available here; available: auto, {names}")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """Return the name of a device for reports: `cpu`, `mps`, or the model of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 matrices faster than float32 ones."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
    return False  # not measured on other devices


@contextmanager
def fitting_in_memory(what: str, device: torch.device, remedy: str) -> Iterator[None]:
    """Turn a failed allocation in the block into a one-sentence error.

    Args:
        what: what needs the memory, such as "a batch of 64 examples".
        device: the device whose memory is used.
        remedy: what the user can do, such as "lower evaluation.batch_size in params.yaml".

    Raises:
        TrainingError: the memory is too small. Other errors pass through unchanged.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise TrainingError(
            f"{what} does not fit into the memory of {device_name(device)}; {remedy}"
        ) from None


def _is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in OUT_OF_MEMORY)


def keep_memory() -> None:
    """Let this process keep freed memory instead of giving it back after every step.

    Each training step needs the same large blocks as the step before, and requesting a block
    from the operating system takes longer than filling it. Without glibc, this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)  # allocate no block with mmap
        mallopt(M_TRIM_THRESHOLD, LARGEST_INT)  # never shrink the heap
        mallopt(M_TOP_PAD, MEMORY_STEP)


def make_deterministic(device: torch.device) -> None:
    """Make a GPU return the same bits for the same computation; a CPU does so anyway.

    An operation without a deterministic implementation still runs, with a warning.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS
        torch.use_deterministic_algorithms(True, warn_only=True)
        # no code here reads uninitialized memory
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
