"""Measures contenders in turns, each turn in a new process.

In a turn, a contender trains on a few batches of its epoch. Batches differ in size, especially if
they are grouped by length. A turn with only small batches would make its contender look too fast.
So the batches are chosen evenly from the smallest to the largest, and the time is scaled by their
share of the epoch's work.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import ours
from benchmarks.results import peak_memory_mb
from benchmarks.textbook import Textbook
from benchmarks.turns import alternating, in_new_process, seconds_of
from pipeline.core import paths
from pipeline.core.tasks import CorpusName, Mode
from pipeline.encoder.batches import Indices, shuffled_batches, sorted_batches
from pipeline.encoder.device import choose_device
from pipeline.plumbing.params import Params, load_params
from pipeline.tokens.token_cache import TokenizedSplit, read_cache

TEXTBOOK = "textbook"
HUGGING_FACE = "Hugging Face loop"
FEATURES = "ours, features"
Work = NDArray[np.float64]  # work in each batch of an epoch, in any unit


class Turn(NamedTuple):
    """The measurements of a contender in one turn."""

    seconds_per_epoch: float  # all contenders have the same examples in an epoch
    steps_per_epoch: int
    tokens_per_second: float  # without padding
    attention_per_second: float  # sum of squared sentence lengths
    peak_memory_mb: float  # largest resident set of the process so far


def take_turn(
    contender: Any, split: TokenizedSplit, batches: Sequence[Indices], work: Work
) -> Turn:
    """Time a few batches and estimate the time of an epoch from the work in all its batches."""
    num_steps = getattr(contender, "steps_at_once", 1)
    seconds = [seconds_of(partial(contender.step, batch)) / num_steps for batch in batches]
    per_sentence = np.diff(split.offsets).reshape(len(split), -1)
    lengths = np.concatenate([per_sentence[batch].ravel() for batch in batches])
    return Turn(
        seconds_per_epoch=epoch_seconds(seconds, work_of(contender, split, batches), work),
        steps_per_epoch=len(work),
        tokens_per_second=float(lengths.sum() / np.sum(seconds)),
        attention_per_second=float((lengths**2).sum() / np.sum(seconds)),
        peak_memory_mb=peak_memory_mb(),
    )


def spread(work: Work, count: int, shift: float) -> list[int]:
    """Sort batches by work and choose evenly spaced ones, the smallest first.

    Args:
        work: the work in each batch.
        count: the number of batches to choose.
        shift: which batch to choose in each of `count` equal parts, as a position from 0 to 1.

    Returns:
        Indices of the chosen batches. Evenly spaced shifts from 0 to 1 choose every batch equally
        often.
    """
    order = np.argsort(work, kind="stable")
    places = ((np.arange(count) + shift) / count * len(order)).astype(int)
    return [int(order[place]) for place in np.minimum(places, len(order) - 1)]


def epoch_seconds(seconds: Sequence[float], chosen: Work, work: Work) -> float:
    """Estimate an epoch's time from chosen batches, assuming that time is proportional to work."""
    return float(np.sum(seconds) / chosen.sum() * work.sum())


def real_tokens(split: TokenizedSplit, batches: Sequence[Indices]) -> Work:
    """Count the tokens in each batch, excluding padding."""
    per_example = np.diff(split.offsets).reshape(len(split), -1).sum(axis=1)
    return np.array([per_example[batch].sum() for batch in batches], dtype=np.float64)


def work_of(contender: Any, split: TokenizedSplit, batches: Sequence[Indices]) -> Work:
    """Return the work in each batch: its tokens, plus padding if the contender processes it."""
    if isinstance(contender, ours.Frozen):
        return np.ones(len(batches))  # equal, because a head on stored vectors reads no tokens
    if getattr(contender, "packs", False):
        return real_tokens(split, batches)
    longest = np.array([split.lengths[batch].max() * len(batch) for batch in batches])
    return np.asarray(longest * float(split.corpus.task.num_sentences))


def build(name: str, mode: str, split: TokenizedSplit, params: Params) -> Any:
    """Build a contender."""
    trained: Mode = "pretrain" if mode == "frozen" else "finetune"
    device = choose_device(params.device)
    if name == TEXTBOOK:
        return Textbook(split, paths.BACKBONE, trained, device)
    if name == HUGGING_FACE:
        from benchmarks.hugging_face import HuggingFaceLoop  # needs transformers

        return HuggingFaceLoop(split, paths.BACKBONE, trained, device)
    if name == FEATURES:
        return ours.Features(split, params)
    return ours.Frozen(split, params) if mode == "frozen" else ours.Finetune(split, params, name)


def epoch_of(name: str, contender: Any, split: TokenizedSplit, params: Params) -> list[Indices]:
    """Return the batches of a contender's epoch."""
    if name == FEATURES:
        return sorted_batches(split.lengths, params.evaluation.batch_size)
    size = params.run(f"{split.corpus.name}-finetune").batch_size[split.corpus.name]
    pool = getattr(contender, "bucket_batches", 1)
    return shuffled_batches(split.lengths, size, pool, np.random.default_rng(params.seed))


def taken(
    name: str, mode: str, corpus: CorpusName, steps: int, shift: float, examples: int | None
) -> Turn:
    """Build a contender, warm it up and measure one turn.

    Args:
        name: the name of the contender.
        mode: "finetune" or "frozen".
        corpus: the corpus to train on.
        steps: the number of batches in the turn.
        shift: which batches to choose, as in `spread`.
        examples: how many examples of the corpus to use; None uses all.
    """
    params = load_params()
    split = read_cache(paths.tokens_dir(corpus), "train")
    if examples is not None:
        split = ours.part_of(split, np.arange(min(examples, len(split))))
    contender = build(name, mode, split, params)
    batches = epoch_of(name, contender, split, params)
    largest = max(map(len, batches))
    full = [batch for batch in batches if len(batch) == largest]
    work = work_of(contender, split, batches)
    chosen = [full[i] for i in spread(work_of(contender, split, full), steps, shift)]
    take_turn(contender, split, chosen[-1:], work)  # the largest batch warms up for all
    return take_turn(contender, split, chosen, work)


def alternate(
    names: Sequence[str],
    mode: str,
    corpus: CorpusName,
    *,
    rounds: int,
    steps: int,
    examples: int | None = None,
) -> dict[str, list[Turn]]:
    """Give each contender a turn of `steps` batches in each round; return the turns by name."""

    def take(name: str, number: int) -> Turn:
        # there are many single optimizations, they are slow, and no target depends on them
        in_a_turn = 1 if name.startswith(ours.ALONE) else steps
        shift = (number + 0.5) / rounds
        return in_new_process(taken, name, mode, corpus, in_a_turn, shift, examples)

    return alternating(names, rounds, take)


def matmul_peak(dtype_name: str, rows: int, width: int, device: torch.device) -> float:
    """Measure the machine's matrix-multiplication rate with the model's shapes, in GFLOP/s."""
    dtype = getattr(torch, dtype_name)
    left = torch.randn(rows, width).to(device, dtype)
    right = torch.randn(4 * width, width).to(device, dtype)
    products = [partial(torch.nn.functional.linear, left, right)] * 5
    best = min(seconds_of(lambda: [product() for product in products]) for _ in range(20)) / 5
    return 2 * rows * width * 4 * width / best / 1e9
