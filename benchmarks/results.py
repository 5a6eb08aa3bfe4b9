"""Helpers for all benchmarks: run a command, describe the machine, write results and pages."""

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
    """Run a command; report a user's mistake in one line and exit with status 1."""
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"{name}: {error}")


def setting(params: Params) -> dict[str, Any]:
    """Return the profile, corpora, backbone and device that a measurement uses."""
    return {
        "profile": params.profile,
        "corpora": params.active.corpora.source,
        "backbone": params.active.backbone,
        "device": device_name(choose_device(params.device)),
    }


def machine(params: Params, peers: Sequence[str] = ()) -> dict[str, Any]:
    """Describe the machine and package versions; `peers` are the packages of other contenders."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    processor = re.search(r"model name\s*:\s*(.*)", text)
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]  # the commit alone, no tag
    described = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    return {
        "device": device_name(choose_device(params.device)),
        "processor": processor.group(1) if processor else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", *peers, "numpy")},
        # ends in `-dirty` if a tracked file has changes; None outside of git
        "commit": described.stdout.strip() or None,
    }


def peak_memory_mb() -> float:
    """Return the peak resident set size of this process so far; 0 if it is unknown."""
    return (peak_memory() or 0) / 2**20


def results_json(device: str, kind: str = "") -> Path:
    """Return the file for a device's numbers."""
    return RESULTS / (re.sub(r"[^a-z0-9]+", "-", f"{kind} {device}".lower()).strip("-") + ".json")


def write_results(kind: str, results: Mapping[str, Any]) -> None:
    """Write results to the file for the device on which they were measured."""
    path = results_json(results["method"]["device"], kind)
    write_json(path, results)
    logging.getLogger("benchmarks").info("wrote %s", path)


def filled(name: str, /, **values: object) -> str:
    """Render a template from texts/."""
    return page(str(TEXTS / name), **values)  # an absolute path overrides the reports' folder


def write_page(name: str, text: str) -> None:
    """Write a page to reports/."""
    write_text(REPORTS / name, text)
