"""Checks whether a run produces the same bytes again, and with a different number of threads.

This trains runs with the pipeline's own `train_run`. It needs the data of a finished `make repro`
and writes benchmarks/results/threads-<device>.json and reports/determinism.md.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.ours import train
from benchmarks.results import filled, run_command, setting, write_page, write_results
from benchmarks.turns import in_new_process
from pipeline.plumbing.params import Params, load_params

THREADS = (1, 2, 4)
AGAIN = 2  # more than one, because threads might add up in a different order
Outcome = Mapping[str, Any]  # `weights` is a hash; `scores` are by corpus


def main(argv: Sequence[str]) -> None:
    """Train all runs, then write the scores and the page."""
    params = load_params()
    single = [name for name, run in params.runs.items() if run.scheme == "single-task"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="+", choices=params.runs, default=single)
    # train each in a new process
    ways = {str(count): count for count in THREADS} | {"again": AGAIN}
    runs = {
        run: {name: in_new_process(outcome, params, run, threads) for name, threads in ways.items()}
        for run in parser.parse_args(argv).runs
    }
    method = {**setting(params), "seed": params.seed, "cores": os.cpu_count()}
    results = {"method": method, "runs": runs}
    write_results("threads", results)
    write_page("determinism.md", page(results))


def outcome(params: Params, run: str, threads: int) -> Outcome:
    """Train a run on some threads; return the hash of its weights and the best epoch's scores."""
    torch.set_num_threads(threads)
    trained = train(params, run)
    kept = trained.epochs[trained.best_epoch - 1] if trained.best_epoch else {}
    return {"weights": trained.weights, "scores": dict.fromkeys(params.run(run).corpora) | kept}


def rows_of(run: str, ways: Mapping[str, Outcome]) -> list[list[str]]:
    """Return a table row for each corpus of a run."""
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


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    rows = [row for run, ways in sorted(results["runs"].items()) for row in rows_of(run, ways)]
    return filled("determinism", method=results["method"], threads=THREADS, again=AGAIN, rows=rows)


if __name__ == "__main__":
    run_command("benchmarks.threads", main)
