"""Ours beside a textbook implementation and Hugging Face's, on this machine.

Needs the data of a finished `make repro`; writes benchmarks/results/<device>.json,
reports/benchmarks.md and reports/benchmarks.svg.
"""

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import breakdown, full_quora, ours
from benchmarks.machine import machine, results_json
from benchmarks.measure import (
    FEATURES,
    HUGGING_FACE,
    HUGGING_FACE_TRAINER,
    TEXTBOOK,
    Turn,
    alternate,
    epoch_of,
    matmul_peak,
)
from benchmarks.page import write_page
from benchmarks.sampling import real_tokens, spread
from benchmarks.startup import stage_names, startup_seconds
from pipeline import paths
from pipeline.device import choose_device, has_fast_bf16
from pipeline.errors import PipelineError
from pipeline.files import read_json, write_json
from pipeline.model.config import config_from_json
from pipeline.params import Params, load_params
from pipeline.speed import kernels_on
from pipeline.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import read_cache

log = logging.getLogger("benchmarks")

PEERS = ("transformers", "accelerate")
GROWTH_EXAMPLES = (512, 1024, 2048)
BREAKDOWN_STEPS = 4
SHAPE_ROWS = 1600  # tokens of a batch


def main(argv: Sequence[str]) -> None:
    """Measure, write the numbers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns each contender takes")
    parser.add_argument("--steps", type=int, default=3, help="batches in a turn")
    parser.add_argument("--examples", type=int, help="cut every corpus to so many")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--page", type=Path, metavar="JSON", help="write the page of a run anew")
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # or torch.profiler chats
    if arguments.page:
        rewrite_page(arguments.page)
        return
    check_peers()
    params = load_params()
    how: dict[str, Any] = {
        "rounds": arguments.rounds,
        "steps": arguments.steps,
        "examples": arguments.examples,
    }
    corpora = {corpus: measure(corpus, params, **how) for corpus in arguments.corpora}
    results = {
        "machine": machine(params, PEERS),
        "method": {
            **how,
            "profile": params.profile,
            "corpora": params.active.corpora.source,
            "backbone": params.active.backbone,
            "precision": precision(params),
            "speed": params.speed.model_dump(),
        },
        "backbone": asdict(config_from_json(paths.backbone_config(paths.BACKBONE))),
        "matmul_peak_gflops": peaks(params),
        "corpora": corpora,
        **beside(arguments.corpora, params),
    }
    out = results_json(results["machine"]["device"])
    write_json(out, results)
    write_page(read_json(out), Path("reports"))
    log.info("wrote %s and reports/benchmarks.md", out)


def rewrite_page(path: Path) -> None:
    """Write the page of an earlier run anew.

    Raises:
        PipelineError: there are no numbers of a whole run in the file.
    """
    try:
        write_page(read_json(path), Path("reports"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipelineError(
            f"{path} does not hold the numbers of a run ({type(error).__name__}: {error}); "
            "`make bench` writes them anew"
        ) from None


def check_peers() -> None:
    """Say at once, not after minutes, that a peer is not installed.

    Raises:
        PipelineError: its name and how to get it.
    """
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        raise PipelineError(
            f"{' and '.join(missing)} not installed; `pip install -r requirements-bench.lock`, "
            "or `make bench`, which does so"
        )


def beside(corpora: Sequence[CorpusName], params: Params) -> dict[str, Any]:
    """Measure what is not a contest: growth, dev evaluation, start-up, memory, a breakdown."""
    dev = {corpus: read_cache(paths.tokens_dir(corpus), "dev") for corpus in corpora}
    log.info("growth, dev evaluation, breakdown, start-up, the full Quora")
    return {
        "growth": {corpus: grow(corpus, params) for corpus in corpora if corpus != "cfimdb"},
        "dev_seconds": {corpus: ours.dev_seconds(split, params) for corpus, split in dev.items()},
        "breakdown": {corpus: break_down(corpus, params) for corpus in corpora},
        "startup_seconds": {stage: startup_seconds(stage) for stage in stage_names()},
        "full_quora": full_quora.measure_apart(),
    }


def measure(corpus: CorpusName, params: Params, **how: Any) -> dict[str, Any]:
    """Measure every contender on a corpus, finetuned and frozen."""
    finetune = [TEXTBOOK, HUGGING_FACE, HUGGING_FACE_TRAINER, ours.PLAIN, ours.ALL]
    pieces = [name for name in ours.PIECES if _concerns(name, corpus)]
    frozen = [TEXTBOOK, HUGGING_FACE, ours.ALL, FEATURES]
    split = read_cache(paths.tokens_dir(corpus), "train")
    log.info("%s: finetune", corpus)
    turns = alternate([*finetune, *(ours.ALONE + p for p in pieces)], "finetune", corpus, **how)
    log.info("%s: frozen", corpus)
    cold = alternate(frozen, "frozen", corpus, **how)
    return {
        "examples": how["examples"] or len(split),
        "pooled": CORPORA[corpus].task.pooling == "pooled",
        "finetune": _plain(turns),
        "frozen": _plain(cold),
    }


def _concerns(piece: str, corpus: CorpusName) -> bool:
    """Leave out pieces that change nothing on a corpus."""
    if piece == "merged pairs":
        return CORPORA[corpus].is_pair
    if piece == "trimmed last layer":
        return CORPORA[corpus].task.pooling == "pooled"
    return True


def _plain(turns: Mapping[str, Sequence[Turn]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(turn) for turn in taken] for name, taken in turns.items()}


def grow(corpus: CorpusName, params: Params) -> dict[str, float]:
    """Time whole epochs of ours on more and more examples."""
    split = read_cache(paths.tokens_dir(corpus), "train")
    log.info("%s: growth", corpus)
    sizes = [size for size in GROWTH_EXAMPLES if size <= len(split)]
    return {str(size): ours.epoch_seconds(split, params, size) for size in sizes}


def break_down(corpus: CorpusName, params: Params) -> dict[str, float]:
    """Tell by kind of operation where the time of our finetune steps goes; nothing on a GPU."""
    if choose_device(params.device).type != "cpu":
        return {}
    split = read_cache(paths.tokens_dir(corpus), "train")
    contender = ours.Finetune(split, params, ours.ALL)
    batches = epoch_of(ours.ALL, contender, split, params)
    chosen = spread(real_tokens(split, batches), BREAKDOWN_STEPS, 0.5)
    return breakdown.shares(contender, [batches[place] for place in chosen])


def peaks(params: Params) -> dict[str, float]:
    """Measure this machine's matrix products."""
    width = config_from_json(paths.backbone_config(paths.BACKBONE)).hidden_size
    device = choose_device(params.device)
    names = ["float32", *(["bfloat16"] if has_fast_bf16(device) else [])]
    return {name: matmul_peak(name, SHAPE_ROWS, width, device) for name in names}


def precision(params: Params) -> str:
    """Name the type of our matrix products."""
    kernels = kernels_on(choose_device(params.device), params.speed.forward)
    return "bfloat16" if kernels.bf16 else "float32"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"make bench: {error}")
