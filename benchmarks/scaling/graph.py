"""What DVC takes as runs become more, on graphs whose stages do nothing.

For each number of runs a repository is made in which all is up to date
(benchmarks/scaling/repository.py), and DVC is asked there what it is asked every day.
"""

import importlib.util
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.scaling.repository import GrownRepository, all_outs, environment, fill
from benchmarks.scaling.results import AT_ONCE
from benchmarks.scaling.timed import Cost, timed
from pipeline.params import load_params

log = logging.getLogger("benchmarks")

RUNS = (10, 30, 100, 300, 1000)
PATIENCE = 150.0  # seconds: what takes longer is no tool to work with
TOGETHER = 60.0  # seconds that stages may take together, or this takes an hour
SHORT = 5.0  # seconds: what takes less is measured again, and the fastest counts
TIMES = 3
Command = tuple[str, ...]
DVC: Command = (sys.executable, "-m", "dvc")
PLAN = "from pipeline.launch.plan import plan_stages; plan_stages()"
READ = "from ruamel.yaml import YAML; YAML(typ='safe').load(open('dvc.lock'))"
COMMANDS: Mapping[str, Command] = {
    "read": (sys.executable, "-c", READ),  # dvc.lock, as DVC does
    "status": (*DVC, "status", "--quiet"),
    "repro": (*DVC, "repro", "--quiet"),  # finds nothing to do
    "plan": (sys.executable, "-c", PLAN),  # as `python -m pipeline plan`
}


def one_stage(run: str) -> Command:
    """Return how the launcher runs a stage; forced, since nothing is to do."""
    single = ("--quiet", "--force", "--single-item", f"train@{run}")
    return (*DVC, "--wait-for-lock", "repro", *single)


class Patience:
    """Measures; what took too long once is not tried on a larger graph."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.given_up: set[str] = set()

    def cost(self, what: str, commands: Sequence[Command], folder: Path) -> Cost | None:
        """Return what commands cost that begin together, None if that is too much."""
        if what in self.given_up:
            return None
        found = timed(commands, folder, environment(), self.seconds)
        log.info("  %s: %s", what, f"{found.wall_seconds} s" if found else "given up")
        if found is None:
            self.given_up.add(what)
        elif found.wall_seconds < SHORT:
            again = [timed(commands, folder, environment()) for _ in range(TIMES - 1)]
            return min([found, *filter(None, again)], key=lambda cost: cost.wall_seconds)
        return found


def measure(sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    """Measure graphs of so many runs, from small to large.

    Args:
        sizes: numbers of runs.
        seconds: that a command may take.
    """
    patience = Patience(seconds)
    with tempfile.TemporaryDirectory(prefix="minbert-scaling-") as folder:
        small = GrownRepository(Path(folder) / "small", len(load_params().runs))
        small.write_outs()
        small.run("dvc", "commit", "--force", "--quiet")
        found = []
        for size in sorted(sizes):
            log.info("%d runs", size)
            large = GrownRepository(Path(folder) / str(size), size)
            fill(small, large)
            found.append(_size_of(large) | {"costs": dict(_costs(large, patience))})
    return {"patience_seconds": seconds, "has_c_yaml": has_c_yaml(), "sizes": found}


def has_c_yaml() -> bool:
    """Say whether ruamel.yaml, with which DVC reads, finds its parser in C."""
    return importlib.util.find_spec("_ruamel_yaml") is not None


def _size_of(repository: GrownRepository) -> dict[str, Any]:
    """Say how large a repository is."""
    lines = repository.lock.read_text(encoding="utf-8").splitlines()
    params = repository.folder / "params.yaml"
    return {
        "runs": len(repository.runs),
        "stages": sum(line.startswith("  ") and line[2] != " " for line in lines),
        "outs": sum(1 for _ in all_outs(repository.graph, repository.runs)),
        "lock_lines": len(lines),
        "lock_bytes": repository.lock.stat().st_size,
        "params_bytes": params.stat().st_size,
        "params_seconds": round(min(_seconds_to_read(params) for _ in range(TIMES)), 4),
    }


def _seconds_to_read(path: Path) -> float:
    started = time.perf_counter()
    YAML(typ="safe").load(path)  # as DVC does
    return time.perf_counter() - started


def _costs(
    repository: GrownRepository, patience: Patience
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield what commands cost there, by their names; None where they take too long."""
    for name, command in COMMANDS.items():
        cost = patience.cost(name, [command], repository.folder)
        yield name, asdict(cost) if cost else None
    single = patience.cost("stage", [one_stage(repository.runs[0])], repository.folder)
    yield "stage", asdict(single) if single else None
    for count in AT_ONCE:
        bearable = single and single.wall_seconds * count < TOGETHER
        commands = [one_stage(run) for run in repository.runs[:count]]
        cost = patience.cost(f"{count} stages", commands, repository.folder) if bearable else None
        yield f"{count} stages", asdict(cost) if cost else None
