"""The code that runs on dask workers. dask pickles the module by value, so a worker may be started
in any folder. Therefore the module must not import anything from this project.
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

    launch: str  # name of the launch
    folder: str  # path of the repository, which all workers can see
    where: str = ""  # how to name the worker; "": by its address
    environment: Mapping[str, str] = field(default_factory=dict)  # extends the worker's own
    gpus: tuple[str, ...] = ()  # to choose from; if empty, the worker's environment decides
    per_gpu: int = 1  # number of finetune runs that may share one of these GPUs


@dataclass
class State:
    """The jobs of a worker, and the launches that were stopped."""

    jobs: dict[tuple[str, str], "subprocess.Popen[str]"] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)  # names of launches
    taken: dict[str, float] = field(default_factory=dict)  # total of the shares in use, by GPU
    changed: Condition = field(default_factory=Condition)


def run_stage(place: Place, stage: str, share: float, *before: None) -> None:
    """Run a stage in its own process, on a share of a GPU, and wait until it ends.

    In `before`, dask passes the results of the stages that this one waited for.

    Raises:
        RuntimeError: the stage failed (the message is its last line) or the launch was stopped.
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
    """Ask the jobs of a launch to stop and start no new ones; a second call kills the jobs.

    Returns:
        The names of the stages that are running.
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
    """Wait until a GPU has room for a stage, then start its process; return process and GPU.

    dask itself limits only the sum of the shares over all GPUs.
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
            start_new_session=True,  # Ctrl-C reaches it only through stop_jobs
        )
    return process, gpu


def _fitting(state: State, place: Place, share: float) -> str | None:
    """Return the fullest GPU with room, to keep others free; None: all full; "": assign no GPU."""
    if not place.gpus or not share:
        return ""
    taken = {gpu: state.taken.get(gpu, 0.0) for gpu in place.gpus}
    fitting = [gpu for gpu in taken if taken[gpu] + share <= place.per_gpu]
    return max(fitting, key=lambda gpu: taken[gpu], default=None)


def _state_of(worker: Any) -> State:
    """Return this project's state on a dask worker; safe to call from several threads."""
    state: State = worker.__dict__.setdefault("minbert", State())
    return state
