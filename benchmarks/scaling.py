"""Measures how the pipeline scales with parallel stages, workers and the number of runs.

    python -m benchmarks.scaling jobs     time a full run from scratch with JOBS=1, 2 and 4
    python -m benchmarks.scaling stages   record the last times of the active profile's stages
    python -m benchmarks.scaling page     only write the page

These write reports/scaling/<part>.json and the tables in docs/scaling.md. Times with many workers
are simulated from stage times and DVC's overhead per stage (reports/scaling/graph.json).
"""

import argparse
import hashlib
import heapq
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from dvc.repo import Repo

from benchmarks.results import machine, run_command
from pipeline.core import paths
from pipeline.core.files import read_json, write_json, write_text
from pipeline.core.yaml12 import read_yaml
from pipeline.errors import PipelineError
from pipeline.launch.schedule import Task, longest_way_first
from pipeline.launch.times import duration, last_seconds, load_times
from pipeline.plumbing.params import load_params
from pipeline.reporting.markdown import table

ROOT = Path(__file__).parents[1]
FOLDER, PAGE = Path("reports/scaling"), Path("docs/scaling.md")
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
JOBS, WORKERS, SEEDS = (1, 2, 4), (1, 2, 4, 8, 16, 32, 64), (1, 5, 10, 100)
Results = Mapping[str, Any]


def measure_jobs(root: Path = ROOT) -> dict[str, Any]:
    """Run the whole pipeline in several ways, each time in a fresh clone of the last commit.

    Parallel stages have fewer threads each, and a different number of threads changes the last
    digits. So the serial run is also measured with one thread.
    """
    cores = len(os.sched_getaffinity(0))
    ways = {"serial" if n == 1 else f"JOBS={n}": (n, max(1, cores // n)) for n in JOBS}
    ways["serial, one thread"] = (1, 1)
    found = {name: _cloned(root, *way) for name, way in ways.items()}
    return {"profile": load_params(root / paths.PARAMS).profile, "ways": found}


def _cloned(root: Path, jobs: int, threads: int) -> dict[str, Any]:
    """Run the whole pipeline in a clone; return its cost and a hash of its dvc.lock.

    Raises:
        PipelineError: the run failed; the message contains its errors.
    """
    with tempfile.TemporaryDirectory(prefix="minbert-scaling-") as folder:
        clone, own = Path(folder) / "clone", {"DVC_SITE_CACHE_DIR": f"{folder}/site"}
        subprocess.run(["git", "clone", "--quiet", root, clone], check=True)  # noqa: S603, S607
        (clone / ".venv").symlink_to(sys.prefix)
        command = [sys.executable, "-m", "pipeline", "repro", *(["--jobs", str(jobs)] * (jobs > 1))]
        before, env = os.times(), os.environ | own | {"OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True)  # noqa: S603
        taken = [end - start for start, end in zip(before, os.times(), strict=True)]
        if done.returncode:
            raise PipelineError(f"`{' '.join(command[1:])}` failed: {done.stderr.strip()}")
        # sort keys, because DVC writes stages in the order in which they finish
        lock = json.dumps(read_yaml(clone / paths.DVC_LOCK), sort_keys=True)
    digest = hashlib.sha256(lock.encode()).hexdigest()
    # CPU time of the finished child processes, and wall time
    cost = {"cpu_seconds": round(taken[2] + taken[3], 2), "wall_seconds": round(taken[4], 2)}
    return {"threads": threads, "cost": cost, "lock_sha256": digest}


def record_stages() -> dict[str, Any]:
    """Return the stages of every profile, with new times for the active profile.

    Raises:
        PipelineError: some stages of the active profile have never run here.
    """
    profile = load_params().profile
    known = last_seconds(load_times(profile))
    with Repo(".") as repo:
        graph = {
            stage.addressing: sorted(each.addressing for each in repo.index.graph.successors(stage))
            for stage in repo.index.stages
            if not stage.addressing.startswith("trials@")
        }
    if missing := sorted(graph.keys() - known.keys()):
        raise PipelineError(f"no times are known for {', '.join(missing)}; run `make repro` first")
    stages = [{"name": name, "after": graph[name], "seconds": known[name]} for name in graph]
    return {"profiles": read_json(FOLDER / "stages.json")["profiles"] | {profile: stages}}


def with_seeds(tasks: Sequence[Task], seeds: int) -> list[Task]:
    """Add a trial per run and additional seed, which takes as long as `train` and `evaluate`."""
    seconds = {task.name: task.seconds for task in tasks}
    trials = [
        replace(task, name=f"{task.name} {seed}", seconds=task.seconds + seconds[scored])
        for task in tasks
        if (scored := task.name.replace("train@", "evaluate@")) != task.name
        for seed in range(2, seeds + 1)
    ]
    *before, report = tasks
    waits = report.after | {trial.name for trial in trials}
    return [*before, *trials, replace(report, after=waits)]


def makespan(tasks: Sequence[Task], workers: int) -> float:
    """Return the seconds for all tasks if those on the longest paths always start first."""
    seconds = {task.name: task.seconds for task in tasks}
    waiting = {task.name: set(task.after) for task in longest_way_first(tasks)}
    running: list[tuple[float, str]] = []  # a heap ordered by end time
    now = 0.0
    while waiting or running:
        ready = [name for name, after in waiting.items() if not after]
        for name in ready[: workers - len(running)]:
            del waiting[name]
            heapq.heappush(running, (now + seconds[name], name))
        now, ended = heapq.heappop(running)
        for after in waiting.values():
            after.discard(ended)
    return now


def overhead(graph: Results, stages: int) -> tuple[float, float]:
    """Return DVC's overhead per stage among `stages`, and the part under its lock, in seconds.

    If two stages start together, the second waits for the lock, so the extra time over one stage is
    the part that holds the lock. Beyond the measured sizes, both grow in proportion to `stages`.
    """
    alone, two = (
        {
            size["stages"]: cost["wall_seconds"]
            for size in graph["sizes"]
            if (cost := size["costs"].get(what))
        }
        for what in ("stage", "2 stages")
    )
    lock = {count: min(alone[count], two[count] - alone[count]) for count in alone if count in two}
    whole_seconds, lock_seconds = (
        float(np.interp(stages, [*known], [*known.values()]) * max(1.0, stages / max(known)))
        for known in (alone, lock)
    )
    return whole_seconds, min(whole_seconds, lock_seconds)


def jobs_table(jobs: Results) -> str:
    """Render the times of a full run with serial and with parallel stages."""
    serial = jobs["ways"]["serial"]["cost"]["wall_seconds"]
    header = ["mode", "threads per stage", "time", "speedup", "processor time", "dvc.lock"]
    rows = []
    for name, way in jobs["ways"].items():
        wall, cpu = way["cost"]["wall_seconds"], way["cost"]["cpu_seconds"]
        ratio, lock = f"{serial / wall:.2f}x", f"`{way['lock_sha256'][:8]}`"
        rows.append([name, str(way["threads"]), duration(wall), ratio, duration(cpu), lock])
    words = "{processor}, {cores} cores, {memory_gb} GB, Python {python}, at commit {commit}"
    head = f"{words.format(**jobs['machine'])}; profile **{jobs['profile']}**."
    return f"{head}\n\n{table(header, rows, right=header[1:-1])}"


def simulated_table(stages: Sequence[Results], graph: Results) -> str:
    """Render the simulated times of Table 3 and its sweeps by number of workers."""
    alone = [Task(s["name"], frozenset(s["after"]), s["seconds"]) for s in stages]
    header = ["workers", "Table 3", *(f"{seeds} seeds" for seeds in SEEDS[1:])]
    columns = [["stages", *map(str, WORKERS), "longest path", "DVC's lock"]]
    for seeds in SEEDS:
        tasks = with_seeds(alone, seeds)
        whole, lock = overhead(graph, len(tasks))
        tasks = [replace(task, seconds=task.seconds + whole) for task in tasks]
        taken = [max(makespan(tasks, workers), lock * len(tasks)) for workers in WORKERS]
        cells = [f"{duration(each)} ({taken[0] / each:.1f}x)" for each in taken]
        bounds = (makespan(tasks, len(tasks)), lock * len(tasks))
        columns.append([f"{len(tasks):,}", *cells, *map(duration, bounds)])
    return table(header, list(zip(*columns, strict=True)), right=header[1:])


def filled(text: str, parts: Results) -> str:
    """Return the page with new tables, and keep the handwritten text between them."""
    shown = {"jobs": jobs_table(parts["jobs"])}
    for profile, stages in parts["stages"]["profiles"].items():
        shown[profile] = simulated_table(stages, parts["graph"])
    return MARKED.sub(lambda found: f"{found[1]}{shown[found[2]]}\n{found[3]}", text)


PARTS = {"jobs": measure_jobs, "stages": record_stages}


def main(argv: Sequence[str]) -> None:
    """Measure one part, if asked, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("part", choices=(*PARTS, "page"))
    part = parser.parse_args(argv).part
    if part in PARTS:
        write_json(FOLDER / f"{part}.json", PARTS[part]() | {"machine": machine(load_params())})
    parts = {name: read_json(FOLDER / f"{name}.json") for name in (*PARTS, "graph")}
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), parts))


if __name__ == "__main__":
    run_command("benchmarks.scaling", main)
