"""What a benchmark ran on, and where it keeps its numbers."""

import importlib.metadata
import os
import platform
import re
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline.encoder.device import choose_device, device_name
from pipeline.plumbing.params import Params

RESULTS = Path("benchmarks/results")
BYTES_TO_MB = 2**20  # outside Linux, macOS for one, the peak is given in bytes


def results_json(device: str, kind: str = "") -> Path:
    """Return the file of a device's numbers."""
    return RESULTS / (re.sub(r"[^a-z0-9]+", "-", f"{kind} {device}".lower()).strip("-") + ".json")


def machine(params: Params, peers: Sequence[str]) -> dict[str, Any]:
    """Name what was measured on, and with which versions; `peers` are packages beside our own."""
    device = choose_device(params.device)
    processor = re.search(r"model name\s*:\s*(.*)", _cpuinfo())
    packages = ("torch", *peers, "numpy")
    return {
        "device": device_name(device),
        "processor": processor.group(1) if processor else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "commit": commit(),
    }


def peak_memory_mb() -> float:
    """Return the largest resident set of this process so far.

    getrusage(2) would begin with that of the process which started this one, Linux's own number
    does not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())
        return int(kilobytes) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / BYTES_TO_MB


def commit() -> str | None:
    """Name the git commit that ours is of, `-dirty` where its code differs; None outside of git."""

    def git(*words: str) -> str:  # no shell, and words of this module only
        command = ["git", *words]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603

    try:
        name = git("rev-parse", "--short", "HEAD").strip()
        changed = git("status", "--porcelain", "--", "pipeline", "benchmarks/*.py")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{name}-dirty" if changed else name


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.is_file() else ""
