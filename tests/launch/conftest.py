"""A DVC repository of shell commands, in which launches are tried."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.working_copy import WorkingCopy

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from dvc.repo import Repo
Repo(".").lock.lock()
print("held", flush=True)
sys.stdin.read()
"""


class ShellRepository(WorkingCopy):
    """Stages that are shell commands, under our params.yaml."""

    def __init__(self, folder: Path, dvc_yaml: str) -> None:
        super().__init__(folder)
        for name in ("params.yaml", "trials.yaml"):
            shutil.copy(ROOT / name, folder)
        (folder / "dvc.yaml").write_text(dvc_yaml)
        self.environment["PYTHONPATH"] = str(ROOT)
        self.done("dvc", "init", "--no-scm", "--quiet")

    def ran(self) -> list[str]:
        """Return what the stages' commands noted, in its order."""
        return (self.folder / "ran").read_text().split()

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
