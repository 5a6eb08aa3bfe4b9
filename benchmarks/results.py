"""What every command here shares: how it starts, what it ran on, where numbers and pages go."""

import importlib.metadata
import logging
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline.core.files import write_json, write_text
from pipeline.encoder.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Params
from pipeline.plumbing.progress import peak_memory
from pipeline.reporting.markdown import page

RESULTS, REPORTS = Path("benchmarks/results"), Path("reports")
TEXTS = Path(__file__).parent / "texts"


def run_command(name: str, main: Callable[[Sequence[str]], None]) -> None:
    """Run a command on its arguments; a mistake that a user can mend is one line and status 1."""
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"{name}: {error}")


def setting(params: Params) -> dict[str, Any]:
    """Name what numbers hold for: profile, corpora, backbone and device."""
    return {
        "profile": params.profile,
        "corpora": params.active.corpora.source,
        "backbone": params.active.backbone,
        "device": device_name(choose_device(params.device)),
    }


def machine(params: Params, peers: Sequence[str] = ()) -> dict[str, Any]:
    """Name what was measured on, and with which versions; `peers` are packages beside our own."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    processor = re.search(r"model name\s*:\s*(.*)", text)
    return {
        "device": device_name(choose_device(params.device)),
        "processor": processor.group(1) if processor else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", *peers, "numpy")},
        "commit": commit(),
    }


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


def peak_memory_mb() -> float:
    """Return the largest resident set of this process so far, 0 where the system does not say."""
    return (peak_memory() or 0) / 2**20


def results_json(device: str, kind: str = "") -> Path:
    """Return the file of a device's numbers."""
    return RESULTS / (re.sub(r"[^a-z0-9]+", "-", f"{kind} {device}".lower()).strip("-") + ".json")


def write_results(kind: str, results: Mapping[str, Any]) -> None:
    """Write numbers into the file of the device that they were measured on."""
    path = results_json(results["method"]["device"], kind)
    write_json(path, results)
    logging.getLogger("benchmarks").info("wrote %s", path)


def filled(name: str, /, **values: object) -> str:
    """Fill in a page of texts/."""
    return page(str(TEXTS / name), **values)  # joined to another folder, an absolute path wins


def write_page(name: str, text: str) -> None:
    """Write a page into reports/."""
    write_text(REPORTS / name, text)
