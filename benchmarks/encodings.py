"""Measures the cost of joint pair encoding: times finetune steps with joint and separate encoding.

Both trainers run in one process and alternate every few batches, each in its own epoch, so a
slowdown of the machine affects both. This needs the data of a finished `make repro` and writes
reports/encodings.md.
"""

import argparse
import logging
from collections.abc import Sequence
from statistics import median

from benchmarks import ours
from benchmarks.results import filled, run_command, setting, write_page
from benchmarks.turns import alternating, seconds_of
from pipeline.core import paths
from pipeline.core.tasks import PAIR_ENCODINGS, CorpusName, PairEncoding
from pipeline.encoder.batches import joined
from pipeline.plumbing.params import Params, load_params
from pipeline.tokens.token_cache import read_cache

log = logging.getLogger("benchmarks")

CORPORA: tuple[CorpusName, ...] = ("quora", "sts")
Turns = dict[PairEncoding, list[float]]  # seconds per turn


def main(argv: Sequence[str]) -> None:
    """Measure both corpora and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns for each encoding")
    parser.add_argument("--steps", type=int, default=20, help="batches in a turn")
    asked = parser.parse_args(argv)
    params = load_params()
    turns = {}
    for corpus in CORPORA:
        turns[corpus] = measured(params, corpus, asked.rounds, asked.steps)
        log.info("%s: joint %.2f times separate", corpus, ratio(turns[corpus]))
    write_page("encodings.md", page(params, turns, asked.steps))


def measured(params: Params, corpus: CorpusName, rounds: int, steps: int) -> Turns:
    """Time the steps of both encodings alternately, after one warm-up turn each."""
    split = read_cache(paths.tokens_dir(corpus), "train")
    splits = {"joint": joined(split), "separate": split}
    ways = {e: ours.Finetune(splits[e], params, ours.ALL).trainer for e in PAIR_ENCODINGS}
    batches = {encoding: trainer.batches_of(corpus) for encoding, trainer in ways.items()}

    def take(encoding: PairEncoding, number: int) -> float:
        every = batches[encoding]
        chosen = [every[(number * steps + place) % len(every)] for place in range(steps)]
        return seconds_of(lambda: [ways[encoding].step(corpus, batch) for batch in chosen])

    turns = alternating(PAIR_ENCODINGS, rounds + 1, take)
    return {encoding: taken[1:] for encoding, taken in turns.items()}


def ratio(turns: Turns) -> float:
    """Return the joint time divided by the separate time: the median over pairs of turns."""
    pairs = zip(turns["joint"], turns["separate"], strict=True)
    return median(joint / separate for joint, separate in pairs)


def page(params: Params, turns: dict[CorpusName, Turns], steps: int) -> str:
    """Render the page."""
    rounds = max(len(found["joint"]) for found in turns.values())
    own = {"steps": steps, "rounds": rounds, "turns": turns, "ratio": ratio, "median": median}
    return filled("encodings", **own, **setting(params))


if __name__ == "__main__":
    run_command("benchmarks.encodings", main)
