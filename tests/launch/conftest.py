"""A DVC repository of shell commands, in which launches are tried."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from dvc.repo import Repo
Repo(".").lock.lock()
print("held", flush=True)
sys.stdin.read()
"""


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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin to run a module of Python's."""
        process = subprocess.Popen(
            (sys.executable, "-m", *arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._started.append(process)
        return process

    def pipeline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands to its end."""
        return self.run(sys.executable, "-m", "pipeline", *arguments)

    def ran(self) -> list[str]:
        """Return what the stages' commands noted, in its order."""
        return (self.folder / "ran").read_text().split()

    def processes(self) -> list[psutil.Process]:
        """List the processes that work in this folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == str(self.folder):
                    found.append(process)
        return found

    def line_with(self, words: str, process: "subprocess.Popen[str]") -> str:
        """Read what a process says up to a line; return that."""
        said = []
        for line in process.stdout or ():
            said.append(line)
            if words in line:
                return line
        raise AssertionError("".join(said))

    @contextmanager
    def lock_held(self) -> Iterator[int]:
        """Hold DVC's lock of the repository in the block; lend the number of the process."""
        with subprocess.Popen(
            (sys.executable, "-c", HOLDER),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            self.line_with("held", holder)
            yield holder.pid
            holder.communicate()  # ends it

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, however long that takes the commands that were started."""
        while not condition():
            is_running = any(process.poll() is None for process in self._started)
            assert is_running or condition(), "it did not come to that"
            time.sleep(0.05)


@contextmanager
def cluster(
    start: Callable[..., "subprocess.Popen[Any]"], folder: Path, *options: str
) -> Iterator[tuple[str, list["subprocess.Popen[Any]"]]]:
    """Lend the address of a dask scheduler, and its processes: its own, then those of two workers.

    Args:
        start: begins a Python module in the folder.
        folder: a repository.
        options: of the workers.
    """
    file = folder / "scheduler.json"
    place = ("--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard")
    processes = [start("dask", "scheduler", "--port", "0", *place)]
    try:
        processes += [start("dask", "worker", *options, *place) for _ in range(2)]
        for process in processes[1:]:  # which wait for the file
            assert any("Registered to" in str(line) for line in process.stdout)
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        file.unlink()


if __name__ == "__main__":  # ask for a module of Python's, and wait for its end
    subprocess.run([sys.executable, "-m", *sys.argv[1:]])
