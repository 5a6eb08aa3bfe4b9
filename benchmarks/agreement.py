"""Checks whether all optimizations together change scores by more than seeds do.

This trains finetune runs both ways with several seeds, using the pipeline's own `train_run`. It
needs the data of a finished `make repro` and writes benchmarks/results/agreement-<device>.json and
reports/agreement.md. Without optimizations, a run takes five to ten times as long.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import mean, stdev
from typing import Any

from scipy.stats import ttest_ind

from benchmarks.ours import ALL, PLAIN, setting_of, train
from benchmarks.results import filled, run_command, setting, write_page, write_results
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Epochs, load_params

log = logging.getLogger("benchmarks")

CONTENDERS = (ALL, PLAIN)
CONFIDENCE = 0.95


def main(argv: Sequence[str]) -> None:
    """Train all runs, then write the scores and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="number; the first is params.yaml's")
    parser.add_argument("--epochs", type=int, default=1, help="for each run")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=["sst", "sts"])
    arguments = parser.parse_args(argv)
    if arguments.seeds < 2:
        raise PipelineError("--seeds must be at least 2: one seed has no spread")
    params = load_params()
    both = Epochs(pretrain=arguments.epochs, finetune=arguments.epochs)
    profiles = {params.profile: params.active.model_copy(update={"epochs": both})}
    seeds = [params.seed + number for number in range(arguments.seeds)]
    scores: dict[str, dict[str, list[float | None]]] = {
        corpus: {name: [] for name in CONTENDERS} for corpus in arguments.corpora
    }
    for seed, corpus, name in product(seeds, arguments.corpora, CONTENDERS):
        own = {"seed": seed, "speed": setting_of(name, params), "profiles": profiles}
        trained = train(params.model_copy(update=own), f"{corpus}-finetune")
        score = trained.epochs[-1][corpus]
        log.info("%s, seed %d, %s: %s", corpus, seed, name, score)
        scores[corpus][name].append(score)
    method = {**setting(params), "epochs": arguments.epochs, "seeds": seeds}
    results = {"method": method, "scores": scores}
    write_results("agreement", results)
    write_page("agreement.md", page(results))


def row_of(corpus: CorpusName, scores: Mapping[str, Sequence[float | None]]) -> list[str]:
    """Compare both contenders on a corpus: their means, and the spread over seeds."""
    ours, plain = ([score for score in scores[name] if score is not None] for name in CONTENDERS)
    head = [corpus, CORPORA[corpus].task.metric]
    if any(None in each for each in scores.values()):
        return [*head, *["undefined for a seed"] * 3, "no"]
    interval = ttest_ind(ours, plain, equal_var=False).confidence_interval(CONFIDENCE)
    difference = mean(ours) - mean(plain)
    return [
        *head,
        *(f"{mean(each):.3f} ± {stdev(each):.3f}" for each in (ours, plain)),
        f"{difference:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})",
        "yes" if abs(difference) <= max(stdev(ours), stdev(plain)) else "no",
    ]


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    rows = [row_of(corpus, scores) for corpus, scores in results["scores"].items()]
    return filled("agreement", method=results["method"], rows=rows)


if __name__ == "__main__":
    run_command("benchmarks.agreement", main)
