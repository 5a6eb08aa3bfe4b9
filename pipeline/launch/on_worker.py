"""The code that runs on dask's workers. It is pickled as a whole, so a worker may have been started
in any folder; hence it imports nothing from this project.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where and how the stages of a launch run."""

    launch: str  # its name
    folder: str  # of the repository; all workers can see it
    where: str = ""  # the name of the worker; "": its address
    environment: Mapping[str, str] = field(default_factory=dict)  # added to that of the worker
    gpus: tuple[str, ...] = ()  # to choose from; none: the worker's environment decides
    per_gpu: int = 1  # finetune runs that may share one of these GPUs


@dataclass
class State:
    """The jobs of a worker, and the launches that were stopped."""

    jobs: dict[tuple[str, str], "subprocess.Popen[str]"] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)  # launches
    taken: dict[str, float] = field(default_factory=dict)  # share of each GPU
    changed: Condition = field(default_factory=Condition)


def run_stage(place: Place, stage: str, share: float, *before: None) -> None:
    """Run a stage in its own process, which takes a share of a GPU, and wait for its end.

    dask passes the results of the stages before it.

    Raises:
        RuntimeError: the stage failed, with its last line; or the launch was stopped.
    """
    from distributed import get_worker

    worker = get_worker()
    state = _state_of(worker)
    if not Path(place.folder, "dvc.yaml").is_file():
        raise RuntimeError(f"{worker.address} finds no {place.folder}/dvc.yaml")
    process, gpu = _begin(state, place, stage, share)
    where = f"GPU {gpu}" if gpu else place.where or worker.address
    worker.log_event(place.launch, {"stage": stage, "where": where})
    _, said = process.communicate()
    with state.changed:
        del state.jobs[place.launch, stage]
        state.taken[gpu] -= share
        state.changed.notify_all()
    if process.returncode:
        ended = f"its process ended with status {process.returncode}"
        last = said.strip().rpartition("\n")[2].removeprefix(f"{stage} failed: ")
        raise RuntimeError(last or ended)


def stop_jobs(launch: str, dask_worker: Any) -> list[str]:
    """Ask the jobs of a launch to stop and start no more; a second call kills them.

    Returns:
        The running stages.
    """
    state = _state_of(dask_worker)
    with state.changed:
        state.stopped.add(launch)
        state.changed.notify_all()
        jobs = {stage: job for (whose, stage), job in state.jobs.items() if whose == launch}
        for job in jobs.values():
            job.terminate()
    return list(jobs)


def _begin(
    state: State, place: Place, stage: str, share: float
) -> tuple["subprocess.Popen[str]", str]:
    """Start the process of a stage when a GPU has room for it; return both.

    dask limits only the sum of the shares over all GPUs.
    """
    with state.changed:
        state.changed.wait_for(
            lambda: place.launch in state.stopped or _fitting(state, place, share) is not None
        )
        if place.launch in state.stopped:
            raise RuntimeError("the launch was stopped")
        gpu = _fitting(state, place, share) or ""
        state.taken[gpu] = state.taken.get(gpu, 0.0) + share
        own = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
        process = state.jobs[place.launch, stage] = subprocess.Popen(  # noqa: S603  (no shell)
            [sys.executable, "-m", "pipeline", "job", stage],
            cwd=place.folder,
            env={**os.environ, **place.environment, **own, "MINBERT_PARENT": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches it through stop_jobs alone
        )
    return process, gpu


def _fitting(state: State, place: Place, share: float) -> str | None:
    """Return the fullest GPU with room, so that others stay free; "" if any GPU will do."""
    if not place.gpus or not share:
        return ""
    taken = {gpu: state.taken.get(gpu, 0.0) for gpu in place.gpus}
    fitting = [gpu for gpu in taken if taken[gpu] + share <= place.per_gpu]
    return max(fitting, key=lambda gpu: taken[gpu], default=None)


def _state_of(worker: Any) -> State:
    """Return our state on a dask worker; threads may call this at the same time."""
    state: State = worker.__dict__.setdefault("minbert", State())
    return state
