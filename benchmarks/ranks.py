"""One run in two processes beside the same run in one: what does data parallel training gain?

Each way trains the same batches of a finetune run through the pipeline's own trainer, in new
processes started by torchrun; the ways take turns, so that a machine that slows down slows all
alike. Needs the data of a finished `make repro`; writes benchmarks/results/ranks-<device>.json and
reports/ranks.md.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.machine import machine, results_json
from pipeline import paths
from pipeline.device import choose_device, keep_memory, make_deterministic, seed_everything
from pipeline.errors import PipelineError
from pipeline.evaluation.predict import open_examples, open_model
from pipeline.files import write_json, write_text
from pipeline.params import Params, load_params
from pipeline.reporting.markdown import table
from pipeline.speed import kernels_on
from pipeline.training.loop import Trainer, TrainingPlan
from pipeline.training.ranks import Ranks, joined

log = logging.getLogger("benchmarks")

PAGE = Path("reports/ranks.md")
RUNS = ("sst-finetune", "quora-finetune")
WAYS = {  # by name: processes, and threads of each on a CPU
    "1 process, 2 threads": (1, 2),
    "1 process, 1 thread": (1, 1),
    "2 processes, 1 thread": (2, 1),
}
WARM_UP, SUMS = 3, 10  # steps before the time counts, sums by themselves after it
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node")
Turn = Mapping[str, float]  # what the first process measured


def main(argv: Sequence[str]) -> None:
    """Let the ways take turns, write what they took, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40, help="steps in a turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way")
    parser.add_argument("--turn", help=argparse.SUPPRESS)  # a process of one turn: of which run
    arguments = parser.parse_args(argv)
    params = load_params()
    if arguments.turn:
        sys.stdout.write(json.dumps(turn(params, arguments.turn, arguments.steps)) + "\n")
        return
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    load = round(os.getloadavg()[0], 1)
    turns: dict[str, dict[str, list[Turn]]] = {run: {way: [] for way in WAYS} for run in RUNS}
    for _ in range(arguments.rounds):
        for run in RUNS:
            for way, (processes, threads) in WAYS.items():
                turns[run][way].append(_started(run, arguments.steps, processes, threads))
                log.info("%s  %s  %s", run, way, turns[run][way][-1])
    method = {
        "profile": params.profile,
        "backbone": params.active.backbone,
        "steps": arguments.steps,
        "rounds": arguments.rounds,
        "load": load,
    }
    results = {"method": method, "machine": machine(params, []), "runs": turns}
    write_json(results_json(results["machine"]["device"], "ranks"), results)
    write_text(PAGE, page(results))


def _started(run: str, steps: int, processes: int, threads: int) -> Turn:
    """Take a turn in new processes; return what the first measured."""
    module = ["benchmarks.ranks", "--turn", run, "--steps", str(steps)]
    command = [sys.executable, "-m", *TORCHRUN, str(processes), "-m", *module]
    # no shell; the run is one of RUNS
    done = subprocess.run(  # noqa: S603
        command,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(one for one in found if one)


def turn(params: Params, run: str, steps: int) -> Turn:
    """Train some steps of a run in this process and those beside it.

    Returns:
        Steps a second, trained parameters, and seconds in which all their gradients are summed;
        nothing where this is not the first process.
    """
    with joined(choose_device(params.device)) as (ranks, device):
        trainer = _trainer(params, run, device, ranks)
        (corpus,) = trainer.train
        batches = cycle(trainer.batches_of(corpus))
        _seconds(WARM_UP, lambda: trainer.step(corpus, next(batches)))
        of_steps = _seconds(steps, lambda: trainer.step(corpus, next(batches)))
        loss = torch.zeros((), device=device)
        of_sums = _seconds(SUMS, lambda: ranks.added_up(trainer.model, loss, 1.0))
        if not ranks.is_first:
            return {}
        return {
            "steps_per_second": round(steps / of_steps, 3),
            "sum_seconds": round(of_sums / SUMS, 5),
            "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        }


def _seconds(times: int, action: Callable[[], torch.Tensor]) -> float:
    """Do something a few times; return the seconds, a GPU's work included."""
    started = time.perf_counter()
    for _ in range(times):
        result = action()
    float(result)
    return time.perf_counter() - started


def _trainer(params: Params, run: str, device: torch.device, ranks: Ranks) -> Trainer:
    """Build a run's trainer as its stage does."""
    make_deterministic(device)
    seed_everything(params.seed)
    if params.speed.training.keep_memory and device.type == "cpu":
        keep_memory()
    train = open_examples(params.run(run), "train", device)
    kernels = kernels_on(device, params.speed.forward)
    model = open_model(params.run(run), train, kernels, paths.BACKBONE).to(device)
    plan = TrainingPlan(
        epochs=1,
        learning_rate=params.learning_rate(params.run(run)),
        batch_size=params.run(run).batch_size,
        optimizer=params.optimizer,
        speed=params.speed.training,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
    )
    trainer = Trainer(model, train, open_examples(params.run(run), "dev", device), plan, ranks)
    model.train()
    return trainer


METHOD = """\
Written by `python -m benchmarks.ranks`: {steps} steps of a finetune run in a turn, each way in new
processes, {rounds} turns of each, the ways one after the other in every round. Medians; lowest and
highest in brackets. Profile **{profile}**, backbone **{backbone}**, device **{device}**
({processor}, {cores} cores).

*As fast as* compares with one process on two threads, which has the same two cores. *Sum* is what
adding up all gradients takes by itself, *of* the bytes that each process gives: 4 for every trained
parameter. Nobody has measured it on GPUs yet."""


DISTURBED = """\
**The machine was not quiet**: {load} other processes wanted its cores on average when this began.
Two threads of one process wait for each other after every operation, and lose most to others; the
spread in brackets says how little these ratios mean. Measure again when nothing else runs."""
QUIET = 0.5  # processes


def rows_of(run: str, ways: Mapping[str, Sequence[Turn]]) -> list[list[str]]:
    """Render a row for each way of a run."""
    rates = {way: [turn["steps_per_second"] for turn in ways[way]] for way in WAYS}
    first = median(rates[next(iter(WAYS))])
    rows = []
    for way in WAYS:
        turns = ways[way]
        several, rate = WAYS[way][0] > 1, median(rates[way])
        summed = f"{1000 * median(turn['sum_seconds'] for turn in turns):.0f} ms" if several else ""
        size = f"{4 * turns[0]['parameters'] / 2**20:.0f} MiB" if several else ""
        told = f"{rate:.2f} ({min(rates[way]):.2f} to {max(rates[way]):.2f})"
        rows.append([run, way, told, f"{rate / first:.2f}", summed, size])
    return rows


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    header = ["run", "in", "steps a second", "as fast as", "sum", "of"]
    rows = [row for run in RUNS for row in rows_of(run, results["runs"][run])]
    parts = [
        "# Does a run gain from a second process?",
        METHOD.format(**results["method"] | results["machine"]),
        *([DISTURBED.format(**results["method"])] if results["method"]["load"] > QUIET else []),
        table(header, rows, right=header[2:]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.ranks: {error}")
