"""A folder in which tests run commands, and what of them still works there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

# who commits
SOMEBODY = {
    f"GIT_{role}_{what}": "a@example.org"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


class WorkingCopy:
    """A folder, and the variables of every process started in it: this Python first, one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
        self.environment = os.environ | own | SOMEBODY
        self._last: subprocess.Popen[str] | None = None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *command: str) -> str:
        """Run a command that must succeed; return what it said."""
        ended = self.run(*command)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def pipeline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands to its end."""
        return self.run(sys.executable, "-m", "pipeline", *arguments)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin to run a module of Python's."""
        self._last = subprocess.Popen(
            (sys.executable, "-m", *arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        return self._last

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, however long that takes the process that began last."""
        while not condition():
            is_running = self._last is not None and self._last.poll() is None
            assert is_running or condition(), "it did not come to that"
            time.sleep(0.02)

    def processes(self, start: str = "") -> list[psutil.Process]:
        """List the processes in this folder that have a word of their command begin so."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it has ended, or is another user's
                here = Path(process.cwd()) == self.folder
                if here and any(part.startswith(start) for part in process.cmdline()):
                    found.append(process)
        return found
