"""A DVC repository whose stages are shell commands, for tests of launches."""

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
        """Return the lines that the stages' commands wrote, in order."""
        return (self.folder / "ran").read_text().split()

    def line_with(self, words: str, process: "subprocess.Popen[str]") -> str:
        """Read the output of a process up to a line with a text; return it."""
        output = []
        for line in process.stdout or ():
            output.append(line)
            if words in line:
                return line
        raise AssertionError("".join(output))

    @contextmanager
    def lock_held(self) -> Iterator[int]:
        """Hold the repository's DVC lock inside the block; yield the number of the process."""
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
    """Yield the address of a dask scheduler and the processes of the scheduler and two workers.

    Args:
        start: starts a Python module in the folder.
        folder: a repository.
        options: options for the workers.
    """
    file = folder / "scheduler.json"
    place = ("--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard")
    processes = [start("dask", "scheduler", "--port", "0", *place)]
    try:
        processes += [start("dask", "worker", *options, *place) for _ in range(2)]
        for process in processes[1:]:  # the workers wait for the file
            assert any("Registered to" in str(line) for line in process.stdout)
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        file.unlink()


if __name__ == "__main__":  # start a Python module as another process would, and wait for it
    subprocess.run([sys.executable, "-m", *sys.argv[1:]])
