"""The whole graph with several stages at once, and DVC's own word at the end that all is done."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from types import FrameType

from filelock import FileLock, Timeout

from pipeline import paths
from pipeline.errors import LaunchError, StopError
from pipeline.launch.board import Board
from pipeline.launch.environment import with_own_python
from pipeline.launch.job import REPRO, on_signals
from pipeline.launch.machine import TRAINING
from pipeline.launch.plan import Outcome, PlannedStage
from pipeline.launch.schedule import Schedule, Task
from pipeline.launch.workers import Workers
from pipeline.params import Params
from pipeline.tasks import Mode

LOOK_SECONDS = 0.1
STOPPED = "stopped; `make repro` goes on from there"
GUESSED_SECONDS: Mapping[Mode, float] = {"pretrain": 5.0, "finetune": 50.0}  # for each corpus


def tasks_of(stages: Sequence[PlannedStage], seconds: Mapping[str, float]) -> list[Task]:
    """Return what is to be run: all that is not up to date for sure.

    Args:
        stages: the plan, in DVC's order.
        seconds: that each of them is likely to take.
    """
    return [
        Task(stage.name, stage.after, seconds[stage.name])
        for stage in stages
        if stage.outcome != Outcome.UP_TO_DATE
    ]


def likely_seconds(
    stages: Sequence[PlannedStage], last: Mapping[str, float], params: Params
) -> dict[str, float]:
    """Return what each stage took last time; of the others, which are long beside which."""
    return {stage.name: last.get(stage.name, _guess(stage.name, params)) for stage in stages}


def _guess(stage: str, params: Params) -> float:
    group, _, name = stage.partition("@")
    if group not in TRAINING or name not in params.runs:
        return 1.0
    run = params.runs[name]
    return GUESSED_SECONDS[run.mode] * len(run.corpora)


class Launch:
    """Stages that run at once, from the first to the last that can."""

    def __init__(self, schedule: Schedule, workers: Workers, board: Board) -> None:
        self.schedule = schedule
        self.workers = workers
        self.board = board
        self.asked: list[int] = []  # signals to stop
        self.stops = 0  # of these, so many were passed on

    def run(self) -> None:
        """Run everything; go on past a stage that fails.

        Raises:
            LaunchError: stages failed; says which, why, and what waits for them.
            StopError: somebody asked to stop; what ran has kept what it did.
        """
        with closing(self.workers), on_signals(self._note), self.board:
            while not self.schedule.is_over:
                self._note_ended()
                if not self.asked:
                    self._begin()
                elif not self.schedule.running:
                    break
                elif len(self.asked) > self.stops:
                    self._stop()
                self.board.show(self.schedule, self.workers)
                time.sleep(LOOK_SECONDS)
        unfinished = self.schedule.waiting or self.schedule.failed
        if self.asked and unfinished:
            raise StopError(STOPPED, self.asked[0])
        if self.schedule.failed:
            raise LaunchError("\n".join(self._failures()))

    def _stop(self) -> None:
        """Pass on a wish to stop."""
        self.board.stopping(again=self.stops > 0)
        self.workers.stop()
        self.stops += 1

    def _begin(self) -> None:
        """Start what can start; a stage for which there is no room lets smaller ones pass."""
        for name in self.schedule.ready():
            where = self.workers.begin(name)
            if where is not None:
                self.schedule.start(name)
                self.board.began(name, where)

    def _note_ended(self) -> None:
        for name, status in self.workers.ended().items():
            if status == 0:
                self.schedule.end(name)
            else:
                self.schedule.fail(name)
            self.board.ended(name, status, self._told(name), self.schedule, bool(self.asked))

    def _told(self, name: str) -> str:
        """Return what a stage said last."""
        return self.workers.says(name) or "it told nothing"

    def _failures(self) -> Iterator[str]:
        """Yield what went wrong, and what hangs on it."""
        for name in self.schedule.failed:
            yield f"{name} failed: {self._told(name)} ({paths.stage_log(name)} has more)"
        if self.schedule.left_out:
            yield f"not run, since they depend on it: {', '.join(self.schedule.left_out)}"
        yield "everything else is done; mend that and run `make repro` again"

    def _note(self, number: int, _: FrameType | None) -> None:
        self.asked.append(number)


def confirm(environment: Mapping[str, str]) -> list[str]:
    """Let plain `dvc repro` look at everything; return the stages that it had to run after all.

    Args:
        environment: for these stages.

    Raises:
        LaunchError: DVC failed.
        StopError: somebody asked to stop.
    """
    asked: list[int] = []
    with subprocess.Popen(  # noqa: S603  (no shell, and nothing that a user typed)
        REPRO, env=with_own_python(environment), stdout=subprocess.PIPE, text=True
    ) as process:

        def stop(number: int, _: FrameType | None) -> None:
            asked.append(number)
            process.terminate()

        with on_signals(stop):
            told, _ = process.communicate()
    if asked:
        raise StopError(STOPPED, asked[0])
    if process.returncode:
        raise LaunchError("`dvc repro`, which was to find nothing to do, failed; see above")
    lines = [line for line in told.splitlines() if line.startswith("Running stage '")]
    return [line.split("'")[1] for line in lines]


@contextmanager
def only_launch() -> Iterator[None]:
    """Let no other launch begin in this repository meanwhile: they would share logs.

    Raises:
        LaunchError: there is one.
    """
    path = paths.stage_log("launch").with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, blocking=False):
            yield
    except Timeout:
        raise LaunchError(
            f"another launch runs stages of this repository already (it holds {path}); wait for "
            "it, or stop it"
        ) from None
