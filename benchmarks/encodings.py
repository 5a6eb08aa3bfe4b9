"""What it costs to read pairs jointly: finetune steps, joint and separate in turns.

Both trainers live in one process and take turns of a few batches of their own epochs, so that a
machine that slows down slows both. Needs the data of a finished `make repro`; writes
reports/encodings.md.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import ours
from pipeline import paths
from pipeline.batches import joined
from pipeline.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.files import write_text
from pipeline.params import Params, load_params
from pipeline.reporting.markdown import table
from pipeline.tasks import PAIR_ENCODINGS, CorpusName, PairEncoding
from pipeline.tokens.token_cache import read_cache

log = logging.getLogger("benchmarks")

PAGE = Path("reports/encodings.md")
CORPORA: tuple[CorpusName, ...] = ("quora", "sts")
Turns = dict[PairEncoding, list[float]]  # seconds of the steps of each turn


def main(argv: Sequence[str]) -> None:
    """Measure both corpora and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each encoding")
    parser.add_argument("--steps", type=int, default=20, help="batches in a turn")
    asked = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    params = load_params()
    turns = {}
    for corpus in CORPORA:
        turns[corpus] = measured(params, corpus, asked.rounds, asked.steps)
        log.info("%s: joint %.2f times separate", corpus, ratio(turns[corpus]))
    write_text(PAGE, page(params, turns, asked.steps))


def measured(params: Params, corpus: CorpusName, rounds: int, steps: int) -> Turns:
    """Time the steps of each encoding in turns."""
    split = read_cache(paths.tokens_dir(corpus), "train")
    ways = {
        encoding: ours.Finetune(
            joined(split) if encoding == "joint" else split, params, ours.ALL
        ).trainer
        for encoding in PAIR_ENCODINGS
    }
    batches = {encoding: trainer.batches_of(corpus) for encoding, trainer in ways.items()}
    turns: Turns = {encoding: [] for encoding in ways}
    for number in range(-1, rounds):  # the first turn warms up
        for encoding, trainer in ways.items():
            every = batches[encoding]
            start = (number + 1) * steps
            chosen = [every[place % len(every)] for place in range(start, start + steps)]
            ours.wait()
            began = time.perf_counter()
            for batch in chosen:
                trainer.step(corpus, batch)
            ours.wait()
            if number >= 0:
                turns[encoding].append(time.perf_counter() - began)
    return turns


def ratio(turns: Turns) -> float:
    """Return how many times the seconds of separate joint takes: the median over pairs of turns."""
    pairs = zip(turns["joint"], turns["separate"], strict=True)
    return median(joint / separate for joint, separate in pairs)


METHOD = (
    "Written by `python -m benchmarks.encodings`: seconds of {steps} finetune steps, joint and "
    "separate in turns, in one process. Profile {profile}, backbone {backbone}, device {device}. "
    "The ratio is the median over {rounds} pairs of turns."
)


def page(params: Params, turns: dict[CorpusName, Turns], steps: int) -> str:
    """Render the page."""
    rows = [
        [
            corpus,
            *(f"{median(found[encoding]):.2f}" for encoding in PAIR_ENCODINGS),
            f"{ratio(found):.2f}",
        ]
        for corpus, found in turns.items()
    ]
    header = ("corpus", *(f"{encoding}, s" for encoding in PAIR_ENCODINGS), "joint / separate")
    method = METHOD.format(
        steps=steps,
        profile=params.profile,
        backbone=params.active.backbone,
        device=device_name(choose_device(params.device)),
        rounds=max(len(found["joint"]) for found in turns.values()),
    )
    parts = ["# What reading pairs jointly costs", method, table(header, rows, right=header[1:])]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.encodings: {error}")
