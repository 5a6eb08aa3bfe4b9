"""Contenders that take turns, each turn in a process of its own.

A machine that slows down so slows all alike, none lives on another's memory, and each one's peak
is its own. In a turn a contender trains on a few batches of its epoch, from which `sampling`
reckons the whole.
"""

import multiprocessing
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from benchmarks import ours
from benchmarks.machine import peak_memory_mb
from benchmarks.sampling import Work, epoch_seconds, padded_tokens, real_tokens, spread
from pipeline import paths
from pipeline.batches import Indices, shuffled_batches, sorted_batches
from pipeline.device import choose_device
from pipeline.params import Params, load_params
from pipeline.tasks import CorpusName, Mode
from pipeline.tokens.token_cache import TokenizedSplit, read_cache

TEXTBOOK = "textbook"
HUGGING_FACE = "Hugging Face loop"
HUGGING_FACE_TRAINER = "Hugging Face Trainer"
FEATURES = "ours, features"
PRELOADED = ["torch", "transformers", "benchmarks.measure", "pipeline.training.loop"]


@dataclass(frozen=True)
class Turn:
    """What a contender measured in one turn."""

    seconds_per_epoch: float  # of the same examples, whoever trains on them
    steps_per_epoch: int
    tokens_per_second: float  # real ones, padding left out
    attention_per_second: float  # sum of squared sentence lengths
    peak_memory_mb: float  # largest resident set of the process so far


def take_turn(
    contender: Any, split: TokenizedSplit, batches: Sequence[Indices], work: Work
) -> Turn:
    """Time some batches, and reckon the epoch from them.

    Args:
        contender: has `step`, or `turn` where it times itself.
        split: what the batches are cut from.
        batches: chosen from an epoch.
        work: of every batch of the epoch.
    """
    if hasattr(contender, "turn"):
        seconds = contender.turn(batches)
    else:
        seconds = [_timed(contender, batch) for batch in batches]
    if isinstance(contender, ours.Frozen):
        seconds = [second / ours.STEPS_AT_ONCE for second in seconds]
    per_sentence = np.diff(split.offsets).reshape(len(split), -1)
    lengths = np.concatenate([per_sentence[batch].ravel() for batch in batches])
    return Turn(
        seconds_per_epoch=epoch_seconds(seconds, work_of(contender, split, batches), work),
        steps_per_epoch=len(work),
        tokens_per_second=float(lengths.sum() / np.sum(seconds)),
        attention_per_second=float((lengths**2).sum() / np.sum(seconds)),
        peak_memory_mb=peak_memory_mb(),
    )


def work_of(contender: Any, split: TokenizedSplit, batches: Sequence[Indices]) -> Work:
    """Say what a contender's time on a batch grows with."""
    if isinstance(contender, ours.Frozen):
        return np.ones(len(batches))  # a head on stored vectors sees no tokens
    packs = getattr(contender, "packs", False)
    return real_tokens(split, batches) if packs else padded_tokens(split, batches)


def _timed(contender: Any, batch: Indices) -> float:
    ours.wait()
    started = time.perf_counter()
    contender.step(batch)
    ours.wait()
    return time.perf_counter() - started


def build(name: str, mode: str, split: TokenizedSplit, params: Params) -> Any:
    """Make a contender in its own process."""
    trained: Mode = "pretrain" if mode == "frozen" else "finetune"
    device = choose_device(params.device)
    if name == TEXTBOOK:
        from benchmarks.textbook import Textbook
        from pipeline.model.kernels import PLAIN
        from pipeline.model.weights import load_backbone

        backbone = load_backbone(paths.BACKBONE, PLAIN)
        return Textbook(split, backbone.state_dict(), backbone.config, trained, device)
    if name in (HUGGING_FACE, HUGGING_FACE_TRAINER):
        from benchmarks.hugging_face import HuggingFaceLoop, HuggingFaceTrainer

        if name == HUGGING_FACE:
            return HuggingFaceLoop(split, paths.BACKBONE, trained, device)
        return HuggingFaceTrainer(split, paths.BACKBONE, trained, device, tempfile.gettempdir())
    if name == FEATURES:
        return ours.Features(split, params)
    if mode == "frozen":
        from pipeline.model.config import config_from_json

        hidden_size = config_from_json(paths.backbone_config(paths.BACKBONE)).hidden_size
        return ours.Frozen(split, params, hidden_size)
    return ours.Finetune(split, params, name)


def epoch_of(name: str, contender: Any, split: TokenizedSplit, params: Params) -> list[Indices]:
    """Return the batches of a contender's epoch."""
    if name == FEATURES:
        return sorted_batches(split.lengths, params.evaluation.batch_size)
    size = params.run(f"{split.corpus.name}-finetune").batch_size[split.corpus.name]
    pool = getattr(contender, "bucket_batches", 1)
    return shuffled_batches(split.lengths, size, pool, np.random.default_rng(params.seed))


def _work(pipe: Connection, name: str, mode: str, corpus: CorpusName, how: "Turning") -> None:
    """Be a contender for one turn: build it, warm up, measure."""
    try:
        params = load_params()
        split = read_cache(paths.tokens_dir(corpus), "train")
        if how.examples is not None:
            split = ours.part_of(split, np.arange(min(how.examples, len(split))))
        contender = build(name, mode, split, params)
        batches = epoch_of(name, contender, split, params)
        largest = max(map(len, batches))
        full = [batch for batch in batches if len(batch) == largest]
        work = work_of(contender, split, batches)
        places = spread(work_of(contender, split, full), how.steps, how.shift)
        chosen = [full[place] for place in places]
        take_turn(contender, split, chosen[-1:], work)  # the largest: it warms up for all
        pipe.send(take_turn(contender, split, chosen, work))
    except BaseException:  # noqa: BLE001  (it is the parent that tells)
        pipe.send(traceback.format_exc())


@dataclass(frozen=True)
class Turning:
    """How a turn is taken."""

    steps: int  # batches in it
    shift: float  # which ones: see `spread`
    examples: int | None  # the corpus is cut to so many


def alternate(
    names: Sequence[str],
    mode: str,
    corpus: CorpusName,
    *,
    rounds: int,
    steps: int,
    examples: int | None = None,
) -> dict[str, list[Turn]]:
    """Let contenders take turns; return each one's.

    Args:
        names: of the contenders.
        mode: finetune or frozen.
        corpus: trained on.
        rounds: how many turns each takes.
        steps: batches in a turn; one for a piece of speed alone.
        examples: cut the corpus to so many; all by default.

    Raises:
        RuntimeError: a contender failed; its traceback.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            # pieces alone are many and slow, and no aim hangs on them
            in_a_turn = 1 if name.startswith(ours.ALONE) else steps
            how = Turning(in_a_turn, (number + 0.5) / rounds, examples)
            turns[name].append(_in_a_process(name, mode, corpus, how))
    return turns


def _in_a_process(name: str, mode: str, corpus: CorpusName, how: Turning) -> Turn:
    """Let one contender take its turn in a new process, forked from one that has torch loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, name, mode, corpus, how))
    process.start()
    theirs.close()
    try:
        answer = mine.recv()
    except EOFError:
        raise RuntimeError(f"{name} was killed, by the system for its memory perhaps") from None
    finally:
        process.join()
    if not isinstance(answer, Turn):
        raise RuntimeError(f"{name} failed:\n{answer}")
    return answer


def matmul_peak(dtype_name: str, rows: int, width: int, device: torch.device) -> float:
    """Measure the machine's own matrix product, in GFLOP/s, at the model's shapes."""
    dtype = getattr(torch, dtype_name)
    left = torch.randn(rows, width).to(device, dtype)
    right = torch.randn(4 * width, width).to(device, dtype)
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(5):
            torch.nn.functional.linear(left, right)
        ours.wait()
        best = min(best, (time.perf_counter() - started) / 5)
    return 2 * rows * width * 4 * width / best / 1e9
