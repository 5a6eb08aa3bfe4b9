"""What a worker of a cluster is sent: it is pickled whole, so that a worker may be anywhere.

Imports nothing of this project.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TAIL = 65536  # bytes of a log that are sent back
STOPPED = 130  # an exit status, of Ctrl-C
DVC = (sys.executable, "-m", "pipeline.launch.announcing")  # of the clone
OWN = ("dvc.lock", "reports")  # what stages themselves change in a clone


def run_job(launch: str, stage: str, root: str) -> tuple[int, str]:
    """Run a stage in a folder that this worker shares with the launcher.

    Returns:
        The exit status, and the end of the log.
    """
    return _run(launch, stage, Path(root))


def run_in_clone(launch: str, stage: str, following: Sequence[str], ref: str) -> tuple[int, str]:
    """Run a stage in the clone in which this worker was started, and push what it made.

    Args:
        launch: which one asks.
        stage: its name.
        following: stages that are best run where that one was; if they fail they count as not run.
        ref: what `origin` calls the code, params and dvc.lock of the launcher.

    Returns:
        The exit status, and the end of the log.
    """
    folder = Path.cwd()
    everywhere = ("--", ":/", *(f":(exclude){name}" for name in OWN))  # else, names begin here
    told = _output(folder, "git", "status", "--porcelain", "--untracked-files=no", *everywhere)
    others = [line[3:] for line in told.splitlines()]
    if others:
        return 1, f"{folder} of this worker has changes of its own: {', '.join(others)}\n"
    status, told = _all(folder, "git", "fetch", "--quiet", "origin", ref)
    if status == 0 and _commit(folder, "HEAD") != _commit(folder, "FETCH_HEAD"):
        status, told = _all(
            folder, "git", "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"
        )
    if status == 0:
        status, told = _all(folder, *DVC, "pull", "--with-deps", "inputs")
    if status == 0:
        status, told = _run(launch, stage, folder, "--pull")
    if status == 0:
        status, told = _pushed(stage, folder)
    for other in following if status == 0 else ():
        if _run(launch, other, folder, "--pull")[0] == 0:
            _pushed(other, folder)
    return status, told


def stop_jobs(launch: str, dask_worker: Any) -> None:
    """Ask what runs on a worker for a launch to stop, and begin no more; again: end it."""
    state = _state_of(dask_worker)
    state.stopped.add(launch)
    for (whose, _), process in list(state.jobs.items()):
        if whose == launch:
            process.terminate()


@dataclass
class State:
    """What a worker runs, and for whom it runs nothing any more."""

    jobs: dict[tuple[str, str], subprocess.Popen[bytes]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)  # launches


def _run(launch: str, stage: str, folder: Path, *options: str) -> tuple[int, str]:
    """Run a stage in a folder; return the exit status and the end of the log."""
    from distributed import get_worker

    if not (folder / "dvc.yaml").is_file():
        return 1, f"{get_worker().address} finds no {folder / 'dvc.yaml'}\n"
    state, log = _state_of(get_worker()), folder / ".logs" / f"{stage}.log"
    if launch in state.stopped:
        return STOPPED, ""
    log.unlink(missing_ok=True)
    process = state.jobs[launch, stage] = subprocess.Popen(  # noqa: S603  (no shell)
        [sys.executable, "-m", "pipeline", "job", *options, stage],
        cwd=folder,
        env=os.environ | {"MINBERT_PARENT": str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # it is in the log
        start_new_session=True,  # Ctrl-C on the worker's terminal is the worker's
    )
    if launch in state.stopped:  # just now
        process.terminate()
    try:
        status = process.wait()
    finally:
        state.jobs.pop((launch, stage), None)
    return status, tail(log)


def _pushed(stage: str, folder: Path) -> tuple[int, str]:
    """Push what a stage made, and the memory that it did."""
    return _all(folder, *DVC, "push", "--run-cache", stage)


def _all(folder: Path, *command: str) -> tuple[int, str]:
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
    return _all(folder, *command)[1].partition("\n")[2]


def _commit(folder: Path, name: str) -> str:
    return _output(folder, "git", "rev-parse", "--verify", f"{name}^{{commit}}")


def _state_of(worker: Any) -> State:
    """Return what a worker of dask's remembers of us."""
    if not hasattr(worker, "minbert"):
        worker.minbert = State()
    return worker.minbert  # type: ignore[no-any-return]


def tail(log: Path) -> str:
    """Return the end of a log; nothing where it cannot be read."""
    try:
        return log.read_bytes()[-TAIL:].decode(errors="replace")
    except OSError:
        return ""
