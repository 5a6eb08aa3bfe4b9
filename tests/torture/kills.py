"""Compares a run that is killed at random points or has a full disk to an undisturbed one."""

import shutil
import signal
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tests.torture.forked import forked
from tests.torture.points import train_until
from tests.torture.repository import Repository
from tests.torture.tally import Tally

KILLS_IN_A_ROW = 3  # at most, before a run may finish
MISSES = 50  # trials in a row without a kill
STOPPED = {-signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM}
PARTS = (0.9, 0.5, 0.1, 0.01)  # parts of the largest out that can be written
OUTS = ("model.safetensors", "history.csv", "run.json")


class Ended(NamedTuple):
    """A training process that has ended, and how far it got."""

    status: int | None  # negative: the signal that ended it
    points: list[str]
    output: str

    @property
    def steps(self) -> int:
        """Return the number of training steps."""
        return self.points.count("after step")


def train(
    repository: Repository,
    run: str,
    point: int = 0,
    number: int = signal.SIGKILL,
    largest: int = -1,
) -> Ended:
    """Train a run in a new process with `train_until`, by default to its end."""
    points, output = (repository.folder / f"{run}.{name}" for name in ("points", "output"))
    points.unlink(missing_ok=True)
    status = forked(train_until, repository.folder, run, point, number, largest)
    return Ended(status, points.read_text().splitlines(), output.read_text())


def left_alone(repository: Repository, run: str) -> tuple[Ended, dict[str, str]]:
    """Train a run from scratch; return the ended process and the hashes of its outs."""
    clear(repository, run)
    whole = train(repository, run)
    assert whole.status == 0, whole.output
    return whole, outs_of(repository, run)


def kill(repository: Repository, run: str, number: signal.Signals, kills: int, seed: int) -> Tally:
    """Kill a run a number of times, in several trials; compare the result of each trial."""
    generator = np.random.default_rng(seed)
    whole, expected = left_alone(repository, run)
    tally = Tally(f"{number.name} at a random point", f"train@{run}")
    misses = 0
    while tally.injected < kills:
        clear(repository, run)
        faults, steps = 0, 0
        for _ in range(min(KILLS_IN_A_ROW, kills - tally.injected)):
            point = int(generator.integers(1, len(whole.points) + 1))
            ended = train(repository, run, point, number)
            steps += ended.steps
            if ended.status not in STOPPED:
                if ended.status:
                    tally.wrong.append(f"{run}, resumed: {ended.output.strip()}")
                break  # it finished: the rest of the run had fewer points
            faults += 1
            for name in OUTS:  # as DVC does before it repeats a command; everything else is kept
                (repository.folder / "data/runs" / run / name).unlink(missing_ok=True)
        else:
            ended = train(repository, run)
            steps += ended.steps
        tally.injected += faults
        misses = 0 if faults else misses + 1
        assert misses < MISSES, f"{number.name} never stops {run}: {ended.output}"
        if ended.status or outs_of(repository, run) != expected:
            tally.wrong.append(f"{run}: {ended.output.strip() or 'other bytes'}")
        else:
            tally.survived += faults
        if faults:
            tally.lost_steps.append(round((steps - whole.steps) / faults))
    return tally


def starve(repository: Repository, run: str, parts: Sequence[float] = PARTS) -> Tally:
    """Train a run with limits below the size of its largest out, then without a limit."""
    tally = Tally("disk full: no file above a size", f"train@{run}")
    _, expected = left_alone(repository, run)
    outs = (repository.folder / "data/runs" / run).iterdir()
    largest = max(path.stat().st_size for path in outs)
    for size in (int(part * largest) for part in parts):
        clear(repository, run)
        tally.injected += 1
        starved = train(repository, run, largest=size)
        left = outs_of(repository, run)
        fed = train(repository, run)
        if starved.status != 1 or "Traceback" in starved.output:
            wrong = f"status {starved.status}, {starved.output[-300:]}"
        elif not left.items() <= expected.items():
            wrong = f"left something half-written: {sorted(left)}"
        elif fed.status or outs_of(repository, run) != expected:
            wrong = f"other bytes afterwards, {fed.output[-300:]}"
        else:
            tally.survived += 1
            continue
        tally.wrong.append(f"{size} bytes: {wrong}")
    return tally


def outs_of(repository: Repository, run: str) -> dict[str, str]:
    """Return the hashes of a run's outs and of all other files beside them."""
    return repository.hashes(f"data/runs/{run}")


def clear(repository: Repository, run: str) -> None:
    """Remove every trace of a run."""
    checkpoints = (repository.folder / ".checkpoints").glob(f"{run}-*/")
    for folder in (repository.folder / "data/runs" / run, *checkpoints):
        shutil.rmtree(folder, ignore_errors=True)
