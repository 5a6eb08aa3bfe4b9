"""A run killed at random points, again and again, against the same run left alone."""

import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from torture.repository import Repository

KILLS_IN_A_ROW = 3  # at most, before a training may come to its end
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


def prepare(repository: Repository, run: str) -> tuple[dict[str, str], int, int]:
    """Train a run undisturbed.

    Returns:
        The hashes of its outs, the number of points it passes, and of steps among them.
    """
    clear(repository, run)
    done, points = launch(repository, run, 0, "SIGKILL")
    assert done.returncode == 0, done.stderr
    return outs_of(repository, run), len(points), points.count("after step")


def kill(repository: Repository, run: str, number: str, kills: int, seed: int) -> Tally:
    """Kill a run so many times in several trials; compare what each comes to in the end."""
    expected, num_points, num_steps = prepare(repository, run)
    generator = np.random.default_rng(seed)
    tally = Tally(f"{number} at a random point", f"train@{run}")
    while tally.injected < kills:
        clear(repository, run)
        faults, steps = 0, 0
        for _ in range(min(KILLS_IN_A_ROW, kills - tally.injected)):
            point = int(generator.integers(1, num_points + 1))
            done, points = launch(repository, run, point, number)
            steps += points.count("after step")
            if done.returncode not in STOPPED:
                break  # what was left to do has fewer points
            faults += 1
            remove_outs(repository, run)  # as DVC does before it runs a command again
        done, points = launch(repository, run, 0, number)
        steps += points.count("after step")
        tally.injected += faults
        if done.returncode or outs_of(repository, run) != expected:
            tally.wrong.append(f"{run}: {done.stderr.strip() or 'other bytes'}")
        else:
            tally.survived += faults
        if faults:
            tally.lost_steps.append(round((steps - num_steps) / faults))
    return tally


def launch(
    repository: Repository, run: str, point: int, number: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Train a run in a process that is killed at a point; return what it said and the points."""
    log = repository.folder / f"{run}.points"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "torture.launcher", log.name, str(point), number]
    done = repository.run(*command, "stages.train", run)
    return done, log.read_text().splitlines() if log.exists() else []


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
