"""Opens the examples that a run reads, and builds its model.

Training and evaluation use the same two kinds of examples: token ids, which go through the whole
model, or sentence vectors of the frozen backbone, which go through a head only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core import paths
from pipeline.core.tasks import CorpusName, Split, feature_set
from pipeline.encoder.batches import Chosen, TokenExamples, joined
from pipeline.encoder.features import read_features
from pipeline.encoder.kernels import Kernels
from pipeline.encoder.weights import load_backbone
from pipeline.heads.model import MultitaskBert
from pipeline.plumbing.params import RunParams
from pipeline.tokens.token_cache import TokenizedSplit, read_cache


@dataclass(frozen=True)
class VectorExamples:
    """Examples whose sentence vectors the frozen backbone has already computed."""

    split: TokenizedSplit
    vectors: Tensor  # float16 [N, S, D]; on a CPU, memory-mapped from disk

    def batch(self, chosen: Chosen) -> Tensor:
        """Return the stored vectors of some examples, float16 [B, S, D]."""
        return self.vectors[chosen.indices]


Examples = TokenExamples | VectorExamples


def open_examples(run: RunParams, split: Split, device: torch.device) -> dict[CorpusName, Examples]:
    """Open one split of each of a run's corpora, as the kind of examples that its mode needs.

    Raises:
        CorpusError: a token cache or the stored vectors are missing or damaged.
        SchemaError: another version of this project wrote them.
    """
    opened: dict[CorpusName, Examples] = {}
    for corpus in run.corpora:
        encoding = run.encoding_of(corpus)
        tokenized = read_cache(paths.tokens_dir(corpus), split)
        if encoding == "joint":
            tokenized = joined(tokenized)
        if run.mode == "finetune":
            opened[corpus] = TokenExamples(tokenized, device)
        else:
            vectors = read_features(paths.features_dir(feature_set(corpus, encoding)), split)
            opened[corpus] = VectorExamples(tokenized, torch.from_numpy(vectors).to(device))
    return opened


def open_model(
    run: RunParams,
    examples: Mapping[CorpusName, Examples],
    kernels: Kernels,
    backbone_dir: Path,
) -> MultitaskBert:
    """Build a run's model: new heads and, if the run trains it, the pretrained backbone."""
    if run.mode == "finetune":
        backbone = load_backbone(backbone_dir, kernels)
        return MultitaskBert(backbone, run.corpora, backbone.config.hidden_size, run.dropout)
    widths = {e.vectors.shape[-1] for e in examples.values() if isinstance(e, VectorExamples)}
    return MultitaskBert(None, run.corpora, widths.pop(), run.dropout)
