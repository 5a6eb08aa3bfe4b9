"""How every command here begins, what its numbers hold for, and where they are written."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import results_json
from pipeline.core.files import write_json, write_text
from pipeline.encoder.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Params

REPORTS = Path("reports")


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


def publish(kind: str, results: Mapping[str, Any], pages: Mapping[str, str]) -> Path:
    """Write numbers, and the pages rendered from them; return the file of the numbers."""
    path = results_json(results["method"]["device"], kind)
    write_json(path, results)
    write_pages(pages)
    return path


def write_pages(pages: Mapping[str, str]) -> None:
    """Write pages into reports/, by name."""
    for name, text in pages.items():
        write_text(REPORTS / name, text)
