"""Several stages at once on this machine."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import paths
from pipeline.launch.job import PARENT_VARIABLE, last_words
from pipeline.launch.machine import GPU_VARIABLE, Machine, gpu_share
from pipeline.params import Params

THREADS_VARIABLE = "OMP_NUM_THREADS"
ALMOST = 1e-9  # shares are sums of fractions


@dataclass(frozen=True)
class Running:
    """A stage that runs."""

    process: subprocess.Popen[bytes]
    gpu: str | None
    share: float  # of the GPU


class LocalWorkers:
    """Processes of this machine, which share its threads and its GPUs.

    How many threads each has depends on the number of jobs alone, never on how many run at the
    moment: another number of threads gives other last digits (reports/determinism.md).
    """

    def __init__(self, jobs: int, per_gpu: int, machine: Machine, params: Params) -> None:
        """Begin with everything free.

        Args:
            jobs: stages at once.
            per_gpu: finetune runs at once on one GPU.
            machine: what there is to share.
            params: say which stages are large.
        """
        self.jobs = jobs
        self.per_gpu = per_gpu
        self.gpus = machine.gpus
        self.params = params
        self.threads = os.environ.get(THREADS_VARIABLE) or str(max(1, machine.processors // jobs))
        self.environment = os.environ | {THREADS_VARIABLE: self.threads}
        self.running: dict[str, Running] = {}

    def begin(self, stage: str, *options: str) -> str | None:
        """Begin to run a stage; say where, or None if there is no room for it now.

        Args:
            stage: its name.
            options: more of `python -m pipeline job`.
        """
        if len(self.running) >= self.jobs:
            return None
        share = gpu_share(stage, self.params) / self.per_gpu if self.gpus else 0.0
        gpu = self._free_gpu(share) if share else None
        if share and gpu is None:
            return None
        paths.stage_log(stage).unlink(missing_ok=True)  # of another launch
        environment = self.environment | {PARENT_VARIABLE: str(os.getpid())}
        if gpu is not None:
            environment |= {GPU_VARIABLE: gpu}
        process = subprocess.Popen(  # noqa: S603  (no shell; the name of a stage)
            [sys.executable, "-m", "pipeline", "job", *options, stage],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # the board tells
            env=environment,
            start_new_session=True,  # Ctrl-C reaches it through `stop` alone
        )
        self.running[stage] = Running(process, gpu, share)
        if gpu is not None:
            return f"GPU {gpu}"
        return f"{self.threads} thread{'s' if self.threads != '1' else ''}"

    def ended(self) -> Mapping[str, int]:
        """Return the exit statuses of stages that ended since this was last asked."""
        statuses = {name: running.process.poll() for name, running in self.running.items()}
        ended = {name: status for name, status in statuses.items() if status is not None}
        for name in ended:
            del self.running[name]
        return ended

    def says(self, stage: str) -> str:
        """Return the last line that a stage told."""
        return last_words(paths.stage_log(stage))

    def stop(self) -> None:
        """Ask every stage that runs to stop at a place from which it can go on; again: end it."""
        for running in self.running.values():
            running.process.terminate()

    def close(self) -> None:
        """Leave nothing behind: there is nothing."""

    def _free_gpu(self, share: float) -> str | None:
        """Return the GPU with the most room, if that is enough."""
        taken = dict.fromkeys(self.gpus, 0.0)
        for running in self.running.values():
            if running.gpu is not None:
                taken[running.gpu] += running.share
        gpu = min(taken, key=lambda name: taken[name])
        return gpu if taken[gpu] + share <= 1.0 + ALMOST else None
