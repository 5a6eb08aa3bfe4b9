"""Runs the graph with several stages in parallel."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from filelock import FileLock, Timeout

from pipeline.core import paths
from pipeline.core.tasks import Mode
from pipeline.errors import LaunchError, StopError
from pipeline.launch import on_worker
from pipeline.launch.board import Board, Progress, since
from pipeline.launch.cluster import Workers
from pipeline.launch.job import on_signals
from pipeline.launch.machine import TRAINING, gpu_share
from pipeline.launch.plan import Outcome, PlannedStage
from pipeline.launch.schedule import Task, longest_way_first
from pipeline.launch.times import Seconds
from pipeline.plumbing.params import Params

LOOK_SECONDS = 0.1
GUESSED_SECONDS: Mapping[Mode, float] = {"pretrain": 5.0, "finetune": 50.0}  # per corpus


def tasks_of(stages: Sequence[PlannedStage], last: Seconds, params: Params) -> list[Task]:
    """Return a task for each stage that may be out of date, in DVC's order."""
    guesses = {
        f"{stage}@{name}": GUESSED_SECONDS[run.mode] * len(run.corpora)
        for name, run in params.runs.items()
        for stage in TRAINING
    }
    return [
        Task(stage.name, stage.after, last.get(stage.name, guesses.get(stage.name, 1.0)))
        for stage in stages
        if stage.outcome != Outcome.UP_TO_DATE
    ]


class Launch:
    """A parallel run of all stages that may be out of date."""

    def __init__(
        self, tasks: Sequence[Task], params: Params, workers: Workers, board: Board
    ) -> None:
        """Prepare to run tasks, each after the tasks that it waits for."""
        self.tasks = {task.name: task for task in longest_way_first(tasks)}
        self.params = params
        self.client, self.place = workers.client, workers.place
        self.workers = workers
        self.board = board
        self.progress = Progress(set(self.tasks))
        self.futures: dict[str, Any] = {}  # dask futures by stage
        self.events: deque[tuple[float, Mapping[str, str]]] = deque()  # starts of stages, by time
        self.asked: list[int] = []  # signals that asked to stop
        self.stops = 0  # number of these that were passed on to the workers

    def run(self) -> None:
        """Run all tasks; a stage that fails blocks only the stages that need it.

        Raises:
            LaunchError: stages failed, or the scheduler was lost; the message says what to do.
            StopError: a signal asked the launch to stop; training stages wrote checkpoints.
        """
        progress = self.progress
        with on_signals(lambda number, _: self.asked.append(number)), self.board.live:
            self._submit()
            while progress.running or progress.waiting:
                self._look()
                if len(self.asked) > self.stops:
                    self._stop()
                self.board.show(progress)
                time.sleep(LOOK_SECONDS)
        if self.asked and len(progress.done) < len(self.tasks):
            raise StopError("stopped; `make repro` continues from there", self.asked[0])
        if progress.failed:
            lines = [f"{name} failed: {reason}" for name, reason in progress.failed.items()]
            if progress.left_out:
                lines.append(f"not run, since they need it: {', '.join(progress.left_out)}")
            lines.append("everything else is done; mend that and run `make repro` again")
            raise LaunchError("\n".join(lines))

    def _submit(self) -> None:
        """Submit the graph to dask; stages on the longest path have priority."""
        self.client.subscribe_topic(self.place.launch, self.events.append)
        for number, task in enumerate(self.tasks.values()):
            paths.stage_log(task.name).unlink(missing_ok=True)  # from an earlier launch
            share = gpu_share(task.name, self.params)
            self.futures[task.name] = self.client.submit(
                on_worker.run_stage,
                self.place,
                task.name,
                share,
                *self._before(task.name),
                key=f"{task.name}-{self.place.launch}",
                pure=False,
                priority=-number,
                resources=self.workers.asked(share),
            )

    def _before(self, name: str) -> list[Any]:
        """Return the futures of the stages that a stage waits for."""
        names = sorted(self.tasks[name].after & self.futures.keys())
        return [self.futures[other] for other in names]

    def _look(self) -> None:
        """Record which stages started and ended since the last call; dask reports them in order.

        A stage starts again if its worker is lost, or if all workers with its result are lost.
        """
        progress = self.progress
        ended = [name for name in self.tasks if self._is_open(name) and self.futures[name].done()]
        for name in ended:
            if name in progress.running:
                self._end(name)
        while self.events:
            _, event = self.events.popleft()
            name = event["stage"]
            progress.waiting.discard(name)
            progress.done.discard(name)
            progress.running[name] = (event["where"], time.monotonic())
            self.board.began(name, event["where"])
        for name in filter(self._is_open, ended):
            self._end(name)

    def _is_open(self, name: str) -> bool:
        return name in self.progress.waiting or name in self.progress.running

    def _end(self, name: str) -> None:
        """Record and print how a stage ended."""
        progress, future = self.progress, self.futures[name]
        progress.waiting.discard(name)
        took = since(progress.running.pop(name, ("", time.monotonic()))[1])
        if future.status == "finished":
            progress.done.add(name)
            count = f"{len(progress.done)} of {len(self.tasks)}"
            self.board.say(f"{name} done in {took}, {count}")
        elif future.status != "error":
            raise self._scheduler_lost()
        elif self.asked:
            self.board.say(f"{name} stopped after {took}", "yellow")
        elif any(other.status == "error" for other in self._before(name)):
            progress.left_out.append(name)  # its future has the error of the failed stage
        else:
            error = future.exception()
            lost = "" if isinstance(error, RuntimeError) else "lost on the cluster: "
            progress.failed[name] = f"{lost}{error}"
            self.board.say(f"{name} failed after {took}: {lost}{error}", "red")

    def _stop(self) -> None:
        """Pass a request to stop on to the workers; cancel the stages that have not started."""
        line = "ending what runs" if self.stops else "stopping: trainings keep a checkpoint"
        self.board.say(line, "yellow")
        self.stops += 1
        try:
            answers = self.client.run(on_worker.stop_jobs, self.place.launch, on_error="ignore")
            running = {name for names in answers.values() for name in names}
            waiting = self.progress.waiting - running
            self.client.cancel([self.futures[name] for name in waiting], force=True)
        except OSError:
            raise self._scheduler_lost() from None
        self.progress.waiting -= waiting

    def _scheduler_lost(self) -> LaunchError:
        return LaunchError(
            f"the scheduler at {self.workers.address} is lost, and the stages on its workers stop; "
            "the next `make repro` continues from there"
        )


def only_launch() -> AbstractContextManager[Any]:
    """Lock the repository against another launch, which would write the same logs.

    Raises:
        LaunchError: another launch is running.
    """
    path = paths.stage_log("launch").with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(path).acquire(blocking=False)
    except Timeout:
        raise LaunchError(
            f"another launch runs stages of this repository already (it holds {path}); wait for "
            "it, or stop it"
        ) from None
