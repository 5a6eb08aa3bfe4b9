"""Holds a training in its middle until it gets a signal; Python imports this name by itself.

For tests that disturb one, which must not be over before, however fast it is: they name this folder
in PYTHONPATH (`Repository.holding`). No code of the pipeline differs, nor a run's fingerprint.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

HELD = Path(os.environ["MINBERT_HELD"])  # the run's name; the file is made once it is held


def hold(event: str, arguments: tuple[Any, ...]) -> None:
    """Wait for a signal where the run's second checkpoint takes the place of its first, once."""
    if event != "os.rename":
        return
    path = Path(os.fsdecode(arguments[1]))
    run = path.parent.name.rpartition("-")[0]
    is_checkpoint = (run, path.name) == (HELD.name, "training.safetensors")
    if is_checkpoint and path.exists() and not HELD.exists():
        got, put = os.pipe()
        os.set_blocking(put, False)
        signal.set_wakeup_fd(put)  # a byte comes for a signal, whichever thread it reaches
        HELD.touch()
        os.read(got, 1)


sys.addaudithook(hold)
