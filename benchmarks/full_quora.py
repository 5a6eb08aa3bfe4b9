"""The frozen path at the paper's size: 141,506 question pairs under a backbone 768 wide.

The vectors are random: they take the time, disk and memory of real ones.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.ours import trainer_of
from benchmarks.results import peak_memory_mb
from benchmarks.turns import seconds_of
from pipeline.core.files import write_record
from pipeline.core.schemas import FEATURES
from pipeline.core.tasks import CORPORA
from pipeline.encoder.features import read_features
from pipeline.heads.examples import VectorExamples
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import TokenizedSplit

PAIRS, WIDTH = 141_506, 768
BLOCK = 4096  # pairs written at once


def measure(pairs: int = PAIRS, width: int = WIDTH) -> dict[str, float]:
    """Train Quora's head for one epoch on memory-mapped vectors.

    Returns:
        `disk_mb` of the vectors, `peak_memory_mb` (the largest resident set, the mapped vectors
        included), `steps_per_second`, `seconds_per_epoch`.
    """
    params = load_params()
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as name:
        folder = Path(name)
        write_vectors(folder / "train.npy", pairs, width)
        disk = (folder / "train.npy").stat().st_size
        vectors = torch.from_numpy(read_features(folder, "train"))
        examples = VectorExamples(unread(pairs), vectors)
        trainer = trainer_of(params, examples, "pretrain", params.speed, vectors.device)
        batches = trainer.batches_of("quora")
        seconds = seconds_of(lambda: [trainer.step("quora", chosen) for chosen in batches])
    return {
        "disk_mb": disk / 2**20,
        "peak_memory_mb": peak_memory_mb(),
        "steps_per_second": len(batches) / seconds,
        "seconds_per_epoch": seconds,
    }


def write_vectors(path: Path, pairs: int, width: int) -> None:
    """Write random vectors as a features stage does, float16 [N, 2, D], a block at a time."""
    generator = np.random.default_rng(0)
    vectors = np.lib.format.open_memmap(path, "w+", "<f2", shape=(pairs, 2, width))
    for start in range(0, pairs, BLOCK):
        block = vectors[start : start + BLOCK]
        block[:] = generator.standard_normal(block.shape, dtype=np.float32)
    vectors.flush()
    write_record(path.with_name("features.json"), FEATURES, {"examples": {"train": pairs}})


def unread(pairs: int) -> TokenizedSplit:
    """Make pairs of which only the labels are ever read."""
    return TokenizedSplit(
        CORPORA["quora"],
        np.empty(0, np.int32),
        np.zeros(2 * pairs + 1, np.int64),
        (np.arange(pairs) % 2).astype(np.float32),
        np.empty(pairs, dtype=np.str_),
        pad_id=0,
    )
