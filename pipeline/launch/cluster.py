"""Several stages at once on a cluster, through dask.distributed."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import distributed

from pipeline import paths
from pipeline.errors import LaunchError
from pipeline.files import write_text
from pipeline.launch import on_worker
from pipeline.launch.job import last_words

ANSWER_SECONDS = 5.0  # until a scheduler must have answered
LOOK_SECONDS = 1.0  # between two looks at who is there


@dataclass(frozen=True)
class Running:
    """A stage that runs."""

    future: Any
    worker: str  # where it was begun; dask begins it elsewhere if that one is lost


class ClusterWorkers:
    """Workers of a dask scheduler; each thread of theirs runs a stage at a time.

    A stage whose worker is lost is begun again on another one: its training goes on from its
    checkpoint where both see the same files.
    """

    def __init__(self, address: str, one_each: bool = False) -> None:
        """Meet the scheduler.

        Args:
            address: of the scheduler.
            one_each: give a worker one stage at a time, whatever it has threads.

        Raises:
            LaunchError: none answers, or it has no workers.
        """
        self.address = address
        self.one_each = one_each
        _silence("distributed")  # what matters is told here
        cloudpickle.register_pickle_by_value(on_worker)
        try:
            self.client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                address, timeout=ANSWER_SECONDS
            )
        except (OSError, ValueError) as error:
            raise LaunchError(
                f"no scheduler answers at {address} ({error}); start one with `dask scheduler`"
            ) from None
        self.launch = uuid.uuid4().hex[:8]  # dask knows a task by its key, and runs it once
        self.running: dict[str, Running] = {}
        self.lost: dict[str, str] = {}  # by stage, why
        self._threads: Mapping[str, int] = {}
        self._looked = -LOOK_SECONDS
        if not self._workers():
            raise LaunchError(
                f"the scheduler at {address} has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            )

    def begin(self, stage: str) -> str | None:
        """Begin to run a stage; say on which worker, or None if none is free."""
        return self.submit(stage, on_worker.run_job, str(Path.cwd()))

    def submit(self, stage: str, job: Callable[..., tuple[int, str]], *given: Any) -> str | None:
        """Let the worker with the most free threads do a job; say which, or None if none is free.

        Args:
            stage: under whose name it is told of.
            job: of on_worker.py, which is given the launch and the stage first.
            given: its further arguments.
        """
        taken = [running.worker for running in self.running.values()]
        free = {name: count - taken.count(name) for name, count in self._workers().items()}
        worker = max(free, key=lambda name: free[name], default="")
        if not free or free[worker] < 1 or len(taken) >= sum(self._threads.values()):
            return None
        future = self.client.submit(
            job,
            self.launch,
            stage,
            *given,
            key=f"{stage}-{self.launch}",
            workers=[worker],
            allow_other_workers=True,
            pure=False,
        )
        self.running[stage] = Running(future, worker)
        return worker

    def ended(self) -> Mapping[str, int]:
        """Return the exit statuses of stages that ended since this was last asked.

        Raises:
            LaunchError: the scheduler is lost.
        """
        done = [name for name, running in self.running.items() if running.future.done()]
        return {name: self._status(name, self.running.pop(name).future) for name in done}

    def says(self, stage: str) -> str:
        """Return the last line that a stage told, or what dask has to say of it."""
        return self.lost.get(stage) or last_words(paths.stage_log(stage))

    def stop(self) -> None:
        """Ask every stage that runs to stop at a place from which it can go on; again: end it.

        Raises:
            LaunchError: the scheduler is lost.
        """
        try:
            self.client.run(on_worker.stop_jobs, self.launch, on_error="ignore")
        except OSError:
            raise self._scheduler_lost() from None

    def close(self) -> None:
        """Leave the scheduler."""
        self.client.close()

    def _status(self, stage: str, future: Any) -> int:
        """Return a job's exit status."""
        if future.status in ("cancelled", "lost"):  # not by us
            raise self._scheduler_lost()
        try:
            status, log = future.result()
        except Exception as error:  # noqa: BLE001  (whatever dask has met)
            self.lost[stage] = f"lost on the cluster: {error}"
            return 1
        path = paths.stage_log(stage)
        if on_worker.tail(path) != log:  # it is where the worker is
            write_text(path, log)
        return int(status)

    def _scheduler_lost(self) -> LaunchError:
        return LaunchError(
            f"the scheduler at {self.address} is lost; what ran on its workers stops, and the next "
            "`make repro` goes on from there"
        )

    def _workers(self) -> Mapping[str, int]:
        """Return the threads of each worker there is, as of a moment ago.

        Raises:
            LaunchError: the scheduler does not answer any more.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            try:
                threads = self.client.nthreads()
            except OSError:
                raise self._scheduler_lost() from None
            self._threads = {name: 1 if self.one_each else threads[name] for name in threads}
            self._looked = now
        return self._threads


def _silence(package: str) -> None:
    """Let no logger of a package speak, which dask has each at a level of its own."""
    for name in logging.root.manager.loggerDict:
        if name.split(".")[0] == package:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
