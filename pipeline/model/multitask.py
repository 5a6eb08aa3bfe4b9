"""minBERT with a head for each corpus: one backbone, shared by all tasks (section 4.5).

Shapes are written [B, S, T] and [B, S, D]: B examples, S sentences in each, T tokens with
padding, D hidden size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.model.bert import BertOutput, MinBert
from pipeline.model.heads import Head
from pipeline.model.pooling import sentence_vectors
from pipeline.tasks import CORPORA, CorpusName, Pooling


def encode(backbone: MinBert, input_ids: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return the sentence vectors of a batch, float32 [B, S, D].

    Sentences never see each other. With `kernels.merge_pairs` both of a pair go through the
    backbone in one forward pass.

    Args:
        backbone: what encodes them.
        input_ids: int64 [B, S, T].
        mask: True at real tokens, bool [B, S, T].
        pooling: what stands for a sentence.
    """
    if backbone.kernels.merge_pairs:
        merged = _encode(backbone, input_ids.flatten(end_dim=1), mask.flatten(end_dim=1), pooling)
        return merged.view(*input_ids.shape[:2], -1)
    each = [
        _encode(backbone, input_ids[:, sentence], mask[:, sentence], pooling)
        for sentence in range(input_ids.shape[1])
    ]
    return torch.stack(each, dim=1)


def _encode(backbone: MinBert, input_ids: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return the vectors of sentences, float32 [B, D], from ids and mask [B, T]."""
    kernels = backbone.kernels
    only_first = kernels.trim_last_layer and pooling == "pooled"
    with torch.autocast(input_ids.device.type, torch.bfloat16, enabled=kernels.bf16):
        output = backbone(input_ids, mask, only_first=only_first)
    wide = BertOutput(output.hidden.float(), output.pooled.float())
    return sentence_vectors(wide, mask, pooling)


class MultitaskBert(nn.Module):
    """A head for each corpus, over a backbone that learns with them or is frozen.

    A frozen backbone is no part of the module: its sentence vectors never change and are
    computed once, by `features`.
    """

    def __init__(
        self,
        backbone: MinBert | None,
        corpora: Sequence[CorpusName],
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(
            {name: Head(CORPORA[name], hidden_size, dropout) for name in corpora}
        )

    @property
    def device(self) -> torch.device:
        """Return where the model computes."""
        return next(self.parameters()).device

    def head_outputs(self, corpus: CorpusName, vectors: Tensor) -> Tensor:
        """Return the outputs of a corpus's head on sentence vectors, float [B, S, D]."""
        outputs: Tensor = self.heads[corpus](vectors)
        return outputs

    def forward(self, corpus: CorpusName, input_ids: Tensor, mask: Tensor) -> Tensor:
        """Return the outputs of a corpus's head on token ids, int64 [B, S, T].

        Raises:
            ValueError: the backbone is frozen and no part of this module.
        """
        if self.backbone is None:
            raise ValueError("a frozen backbone's vectors come from `features`")
        vectors = encode(self.backbone, input_ids, mask, CORPORA[corpus].task.pooling)
        return self.head_outputs(corpus, vectors)
