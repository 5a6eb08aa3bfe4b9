"""The same run again, and on other numbers of threads: the same bytes? how far apart the scores?

Trains runs through the pipeline's own `train_run`. Needs the data of a finished `make repro`;
writes benchmarks/results/threads-<device>.json and reports/determinism.md.
"""

import argparse
import csv
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import results_json
from pipeline import paths
from pipeline.checkpoints import forget_finished
from pipeline.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.files import read_json, sha256_of, write_json, write_text
from pipeline.params import Params, load_params
from pipeline.reporting.markdown import table
from pipeline.training.run import train_run

log = logging.getLogger("benchmarks")

PAGE = Path("reports/determinism.md")
THREADS = (1, 2, 4)
AGAIN = 2  # of more than one: their order is what might differ
Outcome = Mapping[str, Any]  # `weights` by hash, `scores` by corpus


def main(argv: Sequence[str]) -> None:
    """Train, write the scores, write the page."""
    params = load_params()
    single = [name for name, run in params.runs.items() if run.scheme == "single-task"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="+", choices=params.runs, default=single)
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    runs = {name: _all_ways(params, name) for name in arguments.runs}
    device = device_name(choose_device(params.device))
    method = {
        "profile": params.profile,
        "corpora": params.active.corpora.source,
        "backbone": params.active.backbone,
        "seed": params.seed,
        "device": device,
        "cores": os.cpu_count(),
    }
    results = {"method": method, "runs": runs}
    write_json(results_json(device, "threads"), results)
    write_text(PAGE, page(results))


def _all_ways(params: Params, run: str) -> dict[str, Outcome]:
    """Train a run on each number of threads, and on one of them again, each in a new process."""
    ways = {str(count): count for count in THREADS} | {"again": AGAIN}
    outcomes = {}
    for name, threads in ways.items():
        with get_context("spawn").Pool(1) as pool:
            outcomes[name] = pool.apply(outcome, (params, run, threads))
    return outcomes


def outcome(params: Params, run: str, threads: int) -> Outcome:
    """Train a run on so many threads; return its weights' hash and its kept dev scores."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as folder:
        out = Path(folder)
        train_run(params, run, paths.BACKBONE, out)
        forget_finished(run, paths.run_weights(out))
        best = read_json(paths.run_summary(out))["best_epoch"]
        scores = dict.fromkeys(params.run(run).corpora) | scores_of(paths.run_history(out), best)
        return {"weights": sha256_of(paths.run_weights(out)), "scores": scores}


def scores_of(history: Path, epoch: int) -> dict[str, float | None]:
    """Return the dev score of each corpus in an epoch of a history.csv."""
    with history.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["epoch"]) == epoch]
    return {row["corpus"]: float(row["dev_score"]) if row["dev_score"] else None for row in rows}


def rows_of(run: str, ways: Mapping[str, Outcome]) -> list[list[str]]:
    """Render a row for each corpus of a run."""
    counts = [str(count) for count in THREADS]
    same = "yes" if ways["again"]["weights"] == ways[str(AGAIN)]["weights"] else "no"
    equal = "yes" if len({ways[count]["weights"] for count in counts}) == 1 else "no"
    rows = []
    for corpus in ways["again"]["scores"]:
        scores = [ways[count]["scores"][corpus] for count in counts]
        defined = [score for score in scores if score is not None]
        apart = f"{max(defined) - min(defined):.4f}" if len(defined) == len(scores) else "undefined"
        shown = ["undefined" if score is None else f"{score:.4f}" for score in scores]
        rows.append([run, corpus, same, equal, *shown, apart])
    return rows


METHOD = """\
Written by `python -m benchmarks.threads`: each run trained with the settings of params.yaml on
{ways} threads, and on {again} again, each time in a new process. Dev scores of the kept epoch.
Profile **{profile}**, corpora **{corpora}**, backbone **{backbone}**, seed **{seed}**, device
**{device}** with {cores} cores.

The same params on the same machine give the same bytes. On another number of threads sums are added
in another order; a step differs in its last bits, and after many steps scores do. That is why a
checkpoint made on another number of threads, another device or another version of torch is not
gone on from. Where scores of two machines are compared, differences like these mean nothing."""


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    counts = [f"{count} thread{'s' if count > 1 else ''}" for count in THREADS]
    header = ["run", "corpus", "same bytes again", "on other threads", *counts, "apart"]
    rows = [row for run, ways in results["runs"].items() for row in rows_of(run, ways)]
    told = {"ways": ", ".join(map(str, THREADS)), "again": AGAIN}
    parts = [
        "# Is a run the same again?",
        METHOD.format(**results["method"], **told),
        table(header, rows, right=header[4:]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.threads: {error}")
