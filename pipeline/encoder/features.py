"""Sentence vectors of the frozen backbone, computed once (the paper's pretrain mode).

A frozen backbone in evaluation mode gives the same vectors in every epoch, so heads learn from
stored ones. A pair's are stored once for each encoding, joint and separate. They are kept as
float16 [N, S, D]: N examples, S sentences in each, D hidden size;
the pooled output or the mean of a sentence's token vectors, whichever the corpus's head reads.
Both are small numbers that float16 holds to three digits, in half of the memory.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.core.arrays import read_array, write_array
from pipeline.core.files import replacing_folder
from pipeline.core.records import FeatureCounts
from pipeline.core.tasks import Split
from pipeline.encoder.batches import TokenExamples, on_device, sorted_batches
from pipeline.encoder.bert import MinBert
from pipeline.encoder.device import fitting_in_memory
from pipeline.encoder.pooling import encode
from pipeline.errors import CorpusError
from pipeline.tokens.token_cache import TokenizedSplit

log = logging.getLogger(__name__)

Vectors = NDArray[np.float16]
BATCH_REMEDY = "lower evaluation.batch_size in params.yaml"


@torch.inference_mode()
def compute_vectors(
    split: TokenizedSplit, backbone: MinBert, batch_size: int, device: torch.device
) -> Vectors:
    """Return the sentence vectors of a split, float16 [N, S, D], in its own order.

    Raises:
        TrainingError: a batch does not fit into the device's memory.
    """
    backbone = backbone.to(device).eval()
    task = split.corpus.task
    shape = (len(split), task.num_sentences, backbone.config.hidden_size)
    vectors = torch.empty(shape, dtype=torch.float16, device=device)
    examples = TokenExamples(split, device)
    for chosen in on_device(sorted_batches(split.lengths, batch_size), split.lengths, device):
        with fitting_in_memory(chosen.described(split.corpus), device, BATCH_REMEDY):
            encoded = encode(backbone, examples.batch(chosen), task.pooling)
            vectors[chosen.indices] = encoded.half()
    return vectors.cpu().numpy()


def write_features(
    splits: Mapping[Split, TokenizedSplit],
    backbone: MinBert,
    batch_size: int,
    device: torch.device,
    out: Path,
) -> None:
    """Compute and store the vectors of every split of a corpus; what `out` held is replaced."""
    with replacing_folder(out) as folder:
        for name, split in splits.items():
            vectors = compute_vectors(split, backbone, batch_size, device)
            write_array(_vectors_path(folder, name), vectors)
            log.info("%s %s: vectors %s", split.corpus.name, name, list(vectors.shape))
        counts = {name: len(split) for name, split in splits.items()}
        FeatureCounts(examples=counts).write(folder / "features.json")


def read_features(folder: Path, split: Split) -> Vectors:
    """Map the vectors of a split, float16 [N, S, D], into memory.

    Raises:
        CorpusError: the file is missing or damaged.
        SchemaError: it is of another version.
    """
    path = _vectors_path(folder, split)
    try:
        FeatureCounts.read(folder / "features.json")
        # copy on write: torch takes no read-only arrays, and nothing writes
        vectors = read_array(path, mapped="c")
        if vectors.dtype != np.float16:
            raise ValueError(f"of type {vectors.dtype}, not float16")
        return vectors.view(np.float16)
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(
            f"{path} is missing or damaged ({error}); delete it and run `dvc repro`"
        ) from None


def _vectors_path(folder: Path, split: Split) -> Path:
    return folder / f"{split}.npy"
