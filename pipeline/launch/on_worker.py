"""What a worker of a cluster is sent: it is pickled whole, so that a worker may be anywhere.

Imports nothing of this project.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TAIL = 65536  # bytes of a log that are sent back
OWN = ("dvc.lock", "reports/")  # what stages themselves change in a clone


def run_job(stage: str, root: str) -> tuple[int, str]:
    """Run a stage in a folder that this worker shares with the launcher.

    Returns:
        The exit status, and the end of the log.
    """
    return _run(stage, Path(root))


def run_in_clone(stage: str, following: Sequence[str], ref: str) -> tuple[int, str]:
    """Run a stage in the clone in which this worker was started, and push what it made.

    Args:
        stage: its name.
        following: stages that are best run where that one was; if they fail they count as not run.
        ref: what `origin` calls the code, params and dvc.lock of the launcher.

    Returns:
        The exit status, and the end of the log.
    """
    folder = Path.cwd()
    changed = _output(folder, "git", "status", "--porcelain", "--untracked-files=no").splitlines()
    others = [line[3:] for line in changed if not line[3:].startswith(OWN)]
    if others:
        return 1, f"{folder} of this worker has changes of its own: {', '.join(others)}\n"
    status, told = _all(folder, ("git", "fetch", "--quiet", "origin", ref))
    if status == 0 and _commit(folder, "HEAD") != _commit(folder, "FETCH_HEAD"):
        status, told = _all(
            folder, ("git", "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
        )
    if status == 0:
        status, told = _all(folder, (*_dvc(), "pull", "--with-deps", "inputs"))
    if status:
        return status, told
    status, told = _run(stage, folder)
    if status == 0:
        status, told = _pushed(stage, folder)
    for other in following if status == 0 else ():
        if _run(other, folder)[0] == 0:
            _pushed(other, folder)
    return status, told


def stop_jobs(dask_worker: Any) -> None:
    """Ask what runs on a worker to stop; again: end it."""
    for process in list(_jobs_of(dask_worker).values()):
        process.terminate()


def _run(stage: str, folder: Path) -> tuple[int, str]:
    """Run a stage in a folder; return the exit status and the end of the log."""
    from distributed import get_worker

    if not (folder / "dvc.yaml").is_file():
        return 1, f"{get_worker().address} finds no {folder / 'dvc.yaml'}\n"
    jobs = _jobs_of(get_worker())
    process = jobs[stage] = subprocess.Popen(  # noqa: S603  (no shell; the name of a stage)
        [sys.executable, "-m", "pipeline", "job", stage],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C on the worker's terminal is the worker's
    )
    try:
        status = process.wait()
    finally:
        del jobs[stage]
    return status, tail(folder / ".logs" / f"{stage}.log")


def _pushed(stage: str, folder: Path) -> tuple[int, str]:
    """Push what a stage made, and the memory that it did."""
    return _all(folder, (*_dvc(), "push", "--run-cache", stage))


def _all(folder: Path, command: Sequence[str]) -> tuple[int, str]:
    """Run a command to its end; return its exit status and all it said."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(  # noqa: S603  (no shell; written above)
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, f"{' '.join(command)}\n{done.stdout}"


def _output(folder: Path, *command: str) -> str:
    return _all(folder, command)[1].partition("\n")[2]


def _commit(folder: Path, name: str) -> str:
    return _output(folder, "git", "rev-parse", "--verify", f"{name}^{{commit}}")


def _dvc() -> tuple[str, ...]:
    return (sys.executable, "-m", "dvc")


def _jobs_of(worker: Any) -> dict[str, subprocess.Popen[bytes]]:
    """Return the stages that run on a worker."""
    if not hasattr(worker, "minbert_jobs"):
        worker.minbert_jobs = {}
    return worker.minbert_jobs  # type: ignore[no-any-return]


def tail(log: Path) -> str:
    """Return the end of a log; nothing where it cannot be read."""
    try:
        return log.read_bytes()[-TAIL:].decode(errors="replace")
    except OSError:
        return ""
