"""What a worker of a cluster is sent: it is pickled whole, so that a worker needs no checkout.

Imports nothing of this project.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

TAIL = 65536  # bytes of a log that are sent back


def run_job(stage: str, root: str | None) -> tuple[int, str]:
    """Run a stage in a folder of this worker; return the exit status and the end of its log.

    Args:
        stage: its name.
        root: the repository, on a file system that the worker shares; None: the folder in which the
            worker was started is a clone of its own.
    """
    from distributed import get_worker

    folder = Path(root) if root else Path.cwd()
    if not (folder / "dvc.yaml").is_file():
        return 1, f"{get_worker().address} finds no {folder / 'dvc.yaml'}"
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
    return status, _tail(folder / ".logs" / f"{stage}.log")


def stop_jobs(dask_worker: Any) -> None:
    """Ask what runs on a worker to stop; again: end it."""
    for process in list(_jobs_of(dask_worker).values()):
        process.terminate()


def _jobs_of(worker: Any) -> dict[str, subprocess.Popen[bytes]]:
    """Return the stages that run on a worker."""
    if not hasattr(worker, "minbert_jobs"):
        worker.minbert_jobs = {}
    return worker.minbert_jobs  # type: ignore[no-any-return]


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-TAIL:].decode(errors="replace")
    except OSError:
        return ""
