"""How long a stage takes to begin: Python, imports, and its command line."""

import subprocess
import sys
import time
from pathlib import Path

STAGES = Path("stages")
NO_STAGES = {"__init__", "entry"}


def stage_names() -> list[str]:
    """Name every stage script."""
    return sorted({path.stem for path in STAGES.glob("*.py")} - NO_STAGES)


def startup_seconds(stage: str, times: int = 3) -> float:
    """Return the fastest of a few starts, which end at `--help`.

    Raises:
        CalledProcessError: the stage does not start.
    """
    command = [sys.executable, "-m", f"stages.{stage}", "--help"]
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        # no shell, and the stage is the name of a file of ours
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        taken.append(time.perf_counter() - started)
    return min(taken)
