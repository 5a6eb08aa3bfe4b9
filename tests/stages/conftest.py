"""What tests of more than one stage share."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_command(stage: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a stage as DVC does, in a folder of its own; without variables there is no mirror."""
    environment = {key: value for key, value in os.environ.items() if key != "MINBERT_MIRROR"}
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage}"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
