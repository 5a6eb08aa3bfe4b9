"""A run's model, the examples it reads, and its predictions.

Training and evaluation see a corpus through the same two kinds of examples: token ids, which go
through the whole model, or vectors of the frozen backbone, which go through a head alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.core import paths
from pipeline.core.tasks import CorpusName, Split, feature_set
from pipeline.encoder.batches import Chosen, Collator, joined, on_device, sorted_batches
from pipeline.encoder.device import fitting_in_memory
from pipeline.encoder.features import BATCH_REMEDY, read_features
from pipeline.encoder.kernels import Kernels
from pipeline.encoder.weights import load_backbone
from pipeline.heads.heads import predictions_of
from pipeline.heads.multitask import MultitaskBert
from pipeline.plumbing.params import RunParams
from pipeline.tokens.token_cache import TokenizedSplit, read_cache


class Examples(Protocol):
    """One split of a corpus, as a model reads it."""

    @property
    def split(self) -> TokenizedSplit:
        """Return its labels, ids and lengths."""
        ...

    def outputs(self, model: MultitaskBert, chosen: Chosen) -> Tensor:
        """Return what the corpus's head says about some examples."""
        ...


@dataclass(frozen=True)
class TokenExamples:
    """Examples that go through the whole model."""

    split: TokenizedSplit
    device: torch.device

    @cached_property
    def collator(self) -> Collator:
        """Return what cuts the split into batches, on the device."""
        return Collator(self.split, self.device)

    def outputs(self, model: MultitaskBert, chosen: Chosen) -> Tensor:
        """Return the head's outputs on token ids."""
        batch = self.collator.collate(chosen)
        outputs: Tensor = model(
            self.split.corpus.name, batch.input_ids, batch.attention_mask, batch.second
        )
        return outputs


@dataclass(frozen=True)
class VectorExamples:
    """Examples whose vectors the frozen backbone has computed already."""

    split: TokenizedSplit
    vectors: Tensor  # float16 [N, S, D]: on the device, or on a CPU still on disk

    def outputs(self, model: MultitaskBert, chosen: Chosen) -> Tensor:
        """Return the head's outputs on stored vectors."""
        vectors = self.vectors[chosen.indices].float()
        return model.head_outputs(self.split.corpus.name, vectors)


def open_examples(run: RunParams, split: Split, device: torch.device) -> dict[CorpusName, Examples]:
    """Open a split of each of a run's corpora, as the run's mode reads it."""
    return {corpus: _open(run, corpus, split, device) for corpus in run.corpora}


def _open(run: RunParams, corpus: CorpusName, split: Split, device: torch.device) -> Examples:
    encoding = run.encoding_of(corpus)
    tokenized = read_cache(paths.tokens_dir(corpus), split)
    if encoding == "joint":
        tokenized = joined(tokenized)
    if run.mode == "finetune":
        return TokenExamples(tokenized, device)
    folder = paths.features_dir(feature_set(corpus, encoding))
    vectors = torch.from_numpy(read_features(folder, split))
    return VectorExamples(tokenized, vectors.to(device))


def open_model(
    run: RunParams,
    examples: Mapping[CorpusName, Examples],
    kernels: Kernels,
    backbone_dir: Path,
) -> MultitaskBert:
    """Build a run's model: new heads, over the backbone's weights where it is to be trained."""
    if run.mode == "finetune":
        backbone = load_backbone(backbone_dir, kernels)
        return MultitaskBert(backbone, run.corpora, backbone.config.hidden_size, run.dropout)
    widths = {e.vectors.shape[-1] for e in examples.values() if isinstance(e, VectorExamples)}
    return MultitaskBert(None, run.corpora, widths.pop(), run.dropout)


def predict(model: MultitaskBert, examples: Examples, batch_size: int) -> NDArray[np.float64]:
    """Return predictions on the labels' scale, float64 [N], in the split's own order.

    Raises:
        TrainingError: a batch does not fit into the device's memory.
    """
    outputs = head_outputs(model, examples, batch_size)
    return in_double(predictions_of(examples.split.corpus, outputs))


@torch.inference_mode()
def head_outputs(model: MultitaskBert, examples: Examples, batch_size: int) -> Tensor:
    """Return what the corpus's head says of each example, float [N] or [N, C], in their order.

    Raises:
        TrainingError: a batch does not fit into the device's memory.
    """
    model.eval()
    corpus = examples.split.corpus
    lengths = examples.split.lengths
    shape = (len(lengths),) if corpus.num_outputs == 1 else (len(lengths), corpus.num_outputs)
    outputs = torch.empty(shape, device=model.device)
    for chosen in on_device(sorted_batches(lengths, batch_size), lengths, model.device):
        with fitting_in_memory(chosen.described(corpus), model.device, BATCH_REMEDY):
            outputs[chosen.indices] = examples.outputs(model, chosen).float()
    return outputs


def in_double(values: Tensor) -> NDArray[np.float64]:
    """Bring values to the CPU as float64, which not every device has."""
    return values.cpu().double().numpy()
