"""A DVC repository of shell commands, in which launches are tried."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class ShellRepository:
    """Stages that are shell commands, under our params.yaml."""

    def __init__(self, folder: Path, dvc_yaml: str) -> None:
        self.folder = folder
        for name in ("params.yaml", "trials.yaml"):
            shutil.copy(ROOT / name, folder)
        (folder / "dvc.yaml").write_text(dvc_yaml)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._started: list[subprocess.Popen[str]] = []
        self.done("dvc", "init", "--no-scm", "--quiet")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )

    def done(self, *command: str) -> str:
        """Run a command that must succeed; return what it said."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Begin to run a command."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._started.append(process)
        return process

    def launch(self, jobs: int) -> subprocess.CompletedProcess[str]:
        """Run all that is out of date, several stages at once."""
        return self.run(sys.executable, "-m", "pipeline", "repro", "--jobs", str(jobs))

    def ran(self) -> list[str]:
        """Return what the stages' commands noted, in its order."""
        return (self.folder / "ran").read_text().split()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, however long that takes the commands that were started."""
        while not condition():
            is_running = any(process.poll() is None for process in self._started)
            assert is_running or condition(), "it did not come to that"
            time.sleep(0.05)


def wait_until_registered(workers: Iterable[subprocess.Popen[str]]) -> None:
    """Wait until dask's workers can be given something to do."""
    for worker in workers:
        assert any("Registered to" in line for line in worker.stdout or ())


@pytest.fixture
def shell_repository(tmp_path: Path) -> Callable[[str], ShellRepository]:
    """Return a function that makes a repository of a dvc.yaml."""
    return lambda dvc_yaml: ShellRepository(tmp_path, dvc_yaml)
