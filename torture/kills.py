"""A run killed at random points, again and again, against the same run left alone."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from torture.repository import Repository

KILLS_IN_A_ROW = 3  # at most, before a training may come to its end
MISSES = 50  # trials in a row without one
STOPPED = {-signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM}


@dataclass
class Tally:
    """What became of a number of faults."""

    fault: str
    what: str
    injected: int = 0
    survived: int = 0  # as many as were injected, if every end was the right one
    lost_steps: list[int] = field(default_factory=list)  # by each fault, on average of its trial
    wrong: list[str] = field(default_factory=list)  # what ended otherwise


@dataclass(frozen=True)
class Ended:
    """A process that trained, and how far it came."""

    status: int  # negative: of a signal
    points: list[str]
    said: str

    @property
    def steps(self) -> int:
        """Count its training steps."""
        return self.points.count("after step")


class Launcher:
    """Trains the runs of a repository in processes that can be killed at a point."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._process = subprocess.Popen(
            [sys.executable, "-m", "torture.launcher"],
            cwd=repository.folder,
            env=repository.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """Lend the launcher."""
        return self

    def __exit__(self, *_: object) -> None:
        """End its process."""
        self._process.communicate()

    def train(self, run: str, point: int = 0, number: str = "SIGKILL") -> Ended:
        """Train a run, killed at a point."""
        assert self._process.stdin
        assert self._process.stdout
        log = self.repository.folder / f"{run}.points"
        log.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps([run, point, number, log.name]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        said = log.with_name(f"{log.name}.said").read_text()
        return Ended(status, log.read_text().splitlines(), said)

    def kill(self, run: str, number: str, kills: int, seed: int) -> Tally:
        """Kill a run so many times in several trials; compare what each comes to in the end."""
        repository, generator = self.repository, np.random.default_rng(seed)
        clear(repository, run)
        whole = self.train(run)
        assert whole.status == 0, whole.said
        expected = outs_of(repository, run)
        tally = Tally(f"{number} at a random point", f"train@{run}")
        misses = 0
        while tally.injected < kills:
            clear(repository, run)
            faults, steps = 0, 0
            for _ in range(min(KILLS_IN_A_ROW, kills - tally.injected)):
                point = int(generator.integers(1, len(whole.points) + 1))
                ended = self.train(run, point, number)
                steps += ended.steps
                if ended.status not in STOPPED:
                    if ended.status:
                        tally.wrong.append(f"{run}, resumed: {ended.said.strip()}")
                    break  # what was left to do has fewer points
                faults += 1
                remove_outs(repository, run)  # as DVC does before it runs a command again
            ended = self.train(run)
            tally.injected += faults
            misses = 0 if faults else misses + 1
            assert misses < MISSES, f"{number} never stops {run}: {ended.said}"
            if ended.status or outs_of(repository, run) != expected:
                tally.wrong.append(f"{run}: {ended.said.strip() or 'other bytes'}")
            else:
                tally.survived += faults
            if faults:
                tally.lost_steps.append(round((steps + ended.steps - whole.steps) / faults))
        return tally


def outs_of(repository: Repository, run: str) -> dict[str, str]:
    """Return the hashes of a run's outs, and of anything else that lies beside them."""
    return repository.hashes(f"data/runs/{run}")


def remove_outs(repository: Repository, run: str) -> None:
    """Remove the outs themselves, as DVC does; what a killed process left stays."""
    for name in ("model.safetensors", "history.csv", "run.json"):
        (repository.folder / "data/runs" / run / name).unlink(missing_ok=True)


def clear(repository: Repository, run: str) -> None:
    """Make a run as if it had never been."""
    shutil.rmtree(repository.folder / "data/runs" / run, ignore_errors=True)
    for folder in checkpoints_of(repository, run):
        shutil.rmtree(folder)


def checkpoints_of(repository: Repository, run: str) -> list[Path]:
    """Return the folders of a run's checkpoints."""
    return [p for p in (repository.folder / ".checkpoints").glob(f"{run}-*") if p.is_dir()]
