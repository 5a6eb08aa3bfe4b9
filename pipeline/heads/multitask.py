"""minBERT with a head for each corpus: one backbone, shared by all tasks (section 4.5).

Shapes are written [B, G, T] and [B, S, D]: B examples, G sequences and S sentences in each, T
tokens with padding, D hidden size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.encoder.bert import MinBert
from pipeline.encoder.pooling import encode
from pipeline.heads.heads import Head


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

    def forward(
        self, corpus: CorpusName, input_ids: Tensor, mask: Tensor, second: Tensor | None = None
    ) -> Tensor:
        """Return the outputs of a corpus's head on token ids, int64 [B, G, T], as `encode` takes.

        Raises:
            ValueError: the backbone is frozen and no part of this module.
        """
        if self.backbone is None:
            raise ValueError("a frozen backbone's vectors come from `features`")
        vectors = encode(self.backbone, input_ids, mask, CORPORA[corpus].task.pooling, second)
        return self.head_outputs(corpus, vectors)
