"""Does a frozen similarity head die, and is multi-task to blame: section 6 of the paper, tried.

Draws many heads, and looks how many answer 0 to every training example before the first step:
their gradient is 0 from the start. Then trains the frozen runs with similarities from several
seeds, through the pipeline's own `train_run`. Needs the data of a finished `make repro`; writes
benchmarks/results/dead-heads-<device>.json and reports/dead-heads.md.
"""

import argparse
import csv
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.machine import results_json
from pipeline import paths
from pipeline.checkpoints import forget_finished
from pipeline.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.features import read_features
from pipeline.files import write_json, write_text
from pipeline.model.heads import Head
from pipeline.params import Params, load_params
from pipeline.reporting.markdown import table
from pipeline.tasks import CORPORA
from pipeline.training.run import train_run

log = logging.getLogger("benchmarks")

PAGE = Path("reports/dead-heads.md")
CORPUS = CORPORA["sts"]
RUNS = ("sts-pretrain", "multitask-pretrain")


def main(argv: Sequence[str]) -> None:
    """Draw, train, write the numbers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=int, default=2000, help="how many to draw")
    parser.add_argument("--seeds", type=int, default=10, help="to train from, params.yaml's first")
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    if arguments.seeds < 2:
        raise PipelineError("--seeds must be at least 2: one seed has no spread")
    params = load_params()
    seeds = [params.seed + number for number in range(arguments.seeds)]
    vectors = torch.from_numpy(read_features(paths.features_dir(CORPUS.name), "train")).float()
    trained: dict[str, list[list[float | None]]] = {run: [] for run in RUNS}
    for run in RUNS:
        for seed in seeds:
            scores = dev_scores(params, run, seed)
            log.info("%s, seed %d: %s", run, seed, scores)
            trained[run].append(scores)
    device = device_name(choose_device(params.device))
    results = {
        "method": {
            "profile": params.profile,
            "corpora": params.active.corpora.source,
            "backbone": params.active.backbone,
            "device": device,
            "heads": arguments.heads,
            "examples": len(vectors),
            "seeds": seeds,
        },
        "zeros": zeros_at_first(vectors, arguments.heads, params.seed),
        "trained": trained,
    }
    write_json(results_json(device, "dead-heads"), results)
    write_text(PAGE, page(results))


@torch.inference_mode()
def zeros_at_first(vectors: torch.Tensor, heads: int, seed: int) -> list[float]:
    """Return, for each of so many new heads, the share of examples that it answers with 0.

    Args:
        vectors: of the training examples, float [N, 2, D].
        heads: how many are drawn.
        seed: of the first; each has its own.
    """
    shares = []
    for number in range(heads):
        torch.manual_seed(seed + number)
        head = Head(CORPUS, vectors.shape[-1], dropout=0.0)
        shares.append(float((head(vectors) == 0).float().mean()))
    return shares


def dev_scores(params: Params, run: str, seed: int) -> list[float | None]:
    """Train a run from a seed; return its dev score on similarities after each epoch."""
    chosen = params.model_copy(update={"seed": seed})
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as folder:
        out = Path(folder)
        train_run(chosen, run, paths.BACKBONE, out)
        forget_finished(run, paths.run_weights(out))
        with paths.run_history(out).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["corpus"] == CORPUS.name]
    return [float(row["dev_score"]) if row["dev_score"] else None for row in rows]


def row_of(run: str, seeds: Sequence[Sequence[float | None]]) -> list[str]:
    """Say how the seeds of a run ended."""
    dead = sum(scores[-1] is None for scores in seeds)
    ends = [scores[-1] for scores in seeds if scores[-1] is not None]
    told = ["–", "–"]
    if len(ends) > 1:
        told = [f"{mean(ends):.3f} ± {stdev(ends):.3f}", f"{min(ends):.3f} to {max(ends):.3f}"]
    first = sum(scores[0] is None for scores in seeds)
    return [run, str(len(seeds)), str(first), str(dead), *told]


METHOD = """\
Written by `python -m benchmarks.dead_heads`. The head on similarities ends in ReLU (section 4.4 of
the paper). A head that answers 0 to every training example has no gradient; with a frozen backbone
nothing can wake it. Profile {profile} ({corpora} corpora, {examples:,} training pairs), backbone
{backbone}, device {device}."""


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    zeros = results["zeros"]
    bounds = (("to all", 1.0), ("to at least 99 %", 0.99), ("to at least half", 0.5))
    drawn = [
        [told, f"{sum(share >= bound for share in zeros) / len(zeros):.1%}"]
        for told, bound in (*bounds,)
    ]
    drawn.append(["to none", f"{sum(share == 0 for share in zeros) / len(zeros):.1%}"])
    header = ["run", "seeds", "dead in epoch 1", "dead at the end", "dev Pearson", "range"]
    parts = [
        "# Does a frozen similarity head die?",
        METHOD.format(**results["method"]),
        "## Before the first step",
        f"Of {len(zeros):,} new heads, as torch draws them, so many answer 0 …",
        table(("to training examples", "heads"), drawn, right=("heads",)),
        "## After training",
        table(
            header,
            [row_of(run, seeds) for run, seeds in results["trained"].items()],
            right=header[1:4],
        ),
        "Dead: every dev prediction is 0, so the correlation is undefined. Mean ± standard "
        "deviation over the seeds that are not, after the last epoch.",
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.dead_heads: {error}")
