"""The whole pipeline from nothing, with more and more stages at once on this machine.

Each time in a fresh clone of the last commit, with nothing in its cache.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.scaling.timed import CommandError, timed
from checks.graph import ROOT
from pipeline import paths
from pipeline.errors import PipelineError
from pipeline.params import load_params
from pipeline.times import read_time

log = logging.getLogger("benchmarks")

THREADS_VARIABLE = "OMP_NUM_THREADS"
SERIAL, ONE_THREAD = "serial", "serial, one thread"


def ways_of(jobs: Sequence[int], processors: int) -> dict[str, tuple[int, int]]:
    """Return what is to be measured by its name: stages at once, and threads of each.

    Whatever runs at once has fewer threads, and another number of threads gives other last digits:
    so the serial run with one thread is measured, too.
    """
    ways = {SERIAL: (1, processors)}
    ways |= {f"JOBS={n}": (n, max(1, processors // n)) for n in jobs if n > 1}
    if processors > 1 and len(ways) > 1:
        ways[ONE_THREAD] = (1, 1)
    return ways


def measure(ways: Mapping[str, tuple[int, int]], root: Path = ROOT) -> dict[str, Any]:
    """Run everything from nothing in each of these ways.

    Raises:
        PipelineError: it failed in one of them.
    """
    found = {}
    for name, (jobs, threads) in ways.items():
        log.info("%s: %d at once, threads of each: %d", name, jobs, threads)
        with tempfile.TemporaryDirectory(prefix="minbert-scaling-") as folder:
            found[name] = _measured(root, Path(folder) / "clone", jobs, threads)
        log.info("  %.0f s", found[name]["cost"]["wall_seconds"])
    return {"profile": load_params(root / paths.PARAMS).profile, "ways": found}


def _measured(root: Path, clone: Path, jobs: int, threads: int) -> dict[str, Any]:
    # no shell; a folder of ours and one just made
    subprocess.run(["git", "clone", "--quiet", root, clone], check=True)  # noqa: S603, S607
    (clone / ".venv").symlink_to(sys.prefix)
    environment = {
        name: value for name, value in os.environ.items() if name != "DVC_SITE_CACHE_DIR"
    }
    environment |= {THREADS_VARIABLE: str(threads), "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "pipeline", "repro", *(["--jobs", str(jobs)] * (jobs > 1))]
    started = time.time()
    try:
        cost = timed([command], clone, environment)
    except CommandError as error:
        raise PipelineError(f"`{' '.join(command[1:])}` failed: {error}") from None
    profile = load_params(clone / paths.PARAMS).profile
    return {
        "jobs": jobs,
        "threads": threads,
        "cost": asdict(cost) if cost else None,
        "lock_sha256": lock_sha256(clone / paths.DVC_LOCK),
        "stages": _stages(clone / paths.times_dir(profile), started),
    }


def lock_sha256(path: Path) -> str:
    """Return the hash of what a dvc.lock says, whatever the order of its stages.

    Where it was written from nothing they are in the order in which they ended.
    """
    told = json.dumps(YAML(typ="safe").load(path), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _stages(folder: Path, started: float) -> list[dict[str, Any]]:
    """Return when each stage began, in seconds since everything did, and what it took.

    A stage notes what it took when it ends; that file is as old as its end.
    """
    found = []
    for path in folder.glob("*.json"):
        taken = read_time(path)
        if taken is None:
            continue
        ended = path.stat().st_mtime - started
        begun = round(max(0.0, ended - taken.seconds), 2)
        found.append({"name": taken.stage, "start": begun, "seconds": taken.seconds})
    return sorted(found, key=lambda stage: (stage["start"], stage["name"]))
