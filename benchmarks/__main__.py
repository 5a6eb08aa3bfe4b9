"""Compares our speed with that of a textbook implementation and Hugging Face's, on this machine.

This needs the data of a finished `make repro` and writes benchmarks/results/<device>.json,
reports/benchmarks.md and reports/benchmarks.svg.
"""

import argparse
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import breakdown, ours
from benchmarks.measure import FEATURES, HUGGING_FACE, TEXTBOOK, alternate, matmul_peak
from benchmarks.page import figure, page
from benchmarks.results import machine, run_command, setting, write_page, write_results
from benchmarks.turns import in_new_process, seconds_of
from pipeline.core import paths
from pipeline.core.config import config_from_json
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.encoder.device import choose_device, has_fast_bf16
from pipeline.encoder.kernels import kernels_on
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Params, load_params
from pipeline.tokens.token_cache import read_cache

log = logging.getLogger("benchmarks")

PEERS = ("transformers",)  # packages that only this benchmark needs
GROWTH_EXAMPLES = (512, 1024, 2048)
SHAPE_ROWS = 1600  # tokens in a batch


def main(argv: Sequence[str]) -> None:
    """Run all measurements, then write the numbers and the page.

    Raises:
        PipelineError: a peer is not installed, or the file for `--page` is unusable.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=3, help="batches in a turn")
    parser.add_argument("--examples", type=int, help="cut every corpus to this number")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--page", type=Path, metavar="JSON", help="only render the page of a run")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # silences torch.profiler
    if arguments.page:
        try:
            write_pages(read_json(arguments.page))
        except (OSError, ValueError, LookupError, TypeError):
            raise PipelineError(
                f"{arguments.page} is missing, or does not contain the results of this benchmark"
            ) from None
        return
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        raise PipelineError(
            f"{' and '.join(missing)} not installed; run `make bench`, or `pip install -r "
            "requirements-bench.lock`"
        )
    params = load_params()
    how = {name: getattr(arguments, name) for name in ("rounds", "steps", "examples")}
    device = choose_device(params.device)
    bf16 = kernels_on(device, params.speed.forward).bf16
    own = {"precision": "bfloat16" if bf16 else "float32", "speed": params.speed.model_dump()}
    results = {
        "corpora": {corpus: measure(corpus, params, **how) for corpus in arguments.corpora},
        "machine": machine(params, PEERS),
        "method": {**how, **setting(params), **own},
        "backbone": asdict(config_from_json(paths.BACKBONE / paths.CONFIG)),
        "matmul_peak_gflops": peaks(params),
        **without_peers(arguments.corpora, params),
    }
    write_results("", results)
    write_pages(results)


def write_pages(results: Mapping[str, Any]) -> None:
    """Write the page and the figure for the results of a run."""
    write_page("benchmarks.md", page(results))
    write_page("benchmarks.svg", figure(results))


def without_peers(corpora: Sequence[CorpusName], params: Params) -> dict[str, Any]:
    """Measure growth, dev evaluation, startup, memory and a time breakdown of our code only."""
    log.info("growth, dev evaluation, breakdown, start-up, the full Quora")
    dev = {corpus: read_cache(paths.tokens_dir(corpus), "dev") for corpus in corpora}
    train = {corpus: read_cache(paths.tokens_dir(corpus), "train") for corpus in corpora}
    stages = sorted(path.stem for path in Path("stages").glob("[!_]*.py"))
    return {
        "growth": {
            c: {str(n): ours.epoch_seconds(s, params, n) for n in GROWTH_EXAMPLES if n <= len(s)}
            for c, s in train.items()
            if c != "cfimdb"
        },
        "dev_seconds": {corpus: ours.dev_seconds(split, params) for corpus, split in dev.items()},
        "breakdown": {corpus: breakdown.shares(split, params) for corpus, split in train.items()},
        "startup_seconds": {stage: startup_seconds(stage) for stage in stages},
        "full_quora": in_new_process(ours.full_quora),
    }


def startup_seconds(stage: str, times: int = 3) -> float:
    """Start a stage a few times with `--help` and return the shortest time."""
    command = [sys.executable, "-m", f"stages.{stage}", "--help"]
    # this is safe: there is no shell, and the stage is the name of one of our files
    start = partial(subprocess.run, command, check=True, capture_output=True)
    return min(seconds_of(start) for _ in range(times))


def measure(corpus: CorpusName, params: Params, **how: Any) -> dict[str, Any]:
    """Measure every contender on a corpus, both finetuned and frozen."""
    is_pair, pooled = CORPORA[corpus].is_pair, CORPORA[corpus].task.pooling == "pooled"
    # these optimizations have no effect on other corpora
    concerned = {"merged pairs": is_pair, "trimmed last layer": pooled}
    pieces = [ours.ALONE + name for name in ours.PIECES if concerned.get(name, True)]
    modes = {
        "finetune": [TEXTBOOK, HUGGING_FACE, ours.PLAIN, ours.ALL, *pieces],
        "frozen": [TEXTBOOK, HUGGING_FACE, ours.ALL, FEATURES],
    }
    found: dict[str, Any] = {
        "examples": how["examples"] or len(read_cache(paths.tokens_dir(corpus), "train")),
        "pooled": pooled,
    }
    for mode, names in modes.items():
        log.info("%s: %s", corpus, mode)
        turns = alternate(names, mode, corpus, **how)
        found[mode] = {name: [turn._asdict() for turn in taken] for name, taken in turns.items()}
    return found


def peaks(params: Params) -> dict[str, float]:
    """Measure this machine's peak matrix-multiplication rate in GFLOP/s, by precision."""
    width = config_from_json(paths.BACKBONE / paths.CONFIG).hidden_size
    device = choose_device(params.device)
    names = ["float32", *(["bfloat16"] if has_fast_bf16(device) else [])]
    return {name: matmul_peak(name, SHAPE_ROWS, width, device) for name in names}


if __name__ == "__main__":
    run_command("make bench", main)
