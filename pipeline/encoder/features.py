"""Sentence vectors of the frozen backbone, computed once (the paper's pretrain mode).

A frozen backbone in eval mode returns the same vectors in every epoch, so heads are trained on
stored ones. Pairs have vectors for each encoding, joint and separate. The vectors are float16
[N, S, D]: N examples, S sentences per example, D hidden size. Each is the pooled output or the mean
of the sentence's token vectors, depending on the head of the corpus. Their values are small, so
float16 keeps three digits in half the memory.
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
    """Return the sentence vectors of a split, float16 [N, S, D], in the order of the split.

    Raises:
        TrainingError: a batch does not fit into the memory of the device.
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
    """Compute the vectors of every split of a corpus and store them in `out`, replacing it."""
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
        SchemaError: another version of this project wrote the file.
    """
    path = _vectors_path(folder, split)
    try:
        FeatureCounts.read(folder / "features.json")
        # copy on write, because torch does not accept read-only arrays; nothing is written
        vectors = read_array(path, mapped="c")
        if vectors.dtype != np.float16:
            raise ValueError(f"its dtype is {vectors.dtype}, not float16")
        return vectors.view(np.float16)
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(
            f"{path} is missing or damaged ({error}); delete it and run `dvc repro`"
        ) from None


def _vectors_path(folder: Path, split: Split) -> Path:
    return folder / f"{split}.npy"
