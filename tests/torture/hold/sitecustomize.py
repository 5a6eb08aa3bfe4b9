"""Stops a run midway until it gets a signal; Python imports a module of this name by itself.

Tests that disturb a run add this folder to PYTHONPATH (`Repository.holding`), so that the run
cannot end before. Neither the pipeline's code nor the run's fingerprint changes.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

HELD = Path(os.environ["MINBERT_HELD"])  # contains the run's name; created once the run waits


def hold(event: str, arguments: tuple[Any, ...]) -> None:
    """Wait for a signal, once, where the run's second checkpoint replaces its first."""
    if event != "os.rename":
        return
    path = Path(os.fsdecode(arguments[1]))
    run = path.parent.name.rpartition("-")[0]
    is_checkpoint = (run, path.name) == (HELD.name, "training.safetensors")
    if is_checkpoint and path.exists() and not HELD.exists():
        got, put = os.pipe()
        os.set_blocking(put, False)
        signal.set_wakeup_fd(put)  # a signal writes a byte, whichever thread receives it
        HELD.touch()
        os.read(got, 1)


sys.addaudithook(hold)
