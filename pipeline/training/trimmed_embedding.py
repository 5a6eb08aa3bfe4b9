"""Word embeddings without the words that never occur.

A row of the matrix that no example looks up gets no gradient, and AdamW without weight decay
leaves it where it is: training only the rows in use is exact. A corpus uses less than half of
the vocabulary, and the optimizer's work shrinks with it.
"""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.encoder.bert import MinBert


class TrimmedEmbedding(nn.Embedding):
    """The rows in use of a full embedding, looked up by the full vocabulary's ids."""

    rows: Tensor

    def __init__(self, full: nn.Embedding, used: Tensor) -> None:
        """Take the rows `used`, int64 [U], out of `full`."""
        super().__init__(len(used), full.embedding_dim, _weight=full.weight.detach()[used])
        rows = torch.full((full.num_embeddings,), -1, device=used.device)
        rows[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("rows", rows, persistent=False)
        self.full = [full]  # in a list, so that its parameters are not this module's
        self.used = used

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors of ids, int64 [...]; an id that is not in use is an index error."""
        return F.embedding(self.rows[input], self.weight)

    def restored(self) -> nn.Embedding:
        """Return the full embedding with the rows in use as they are now."""
        (full,) = self.full
        with torch.no_grad():
            full.weight[self.used] = self.weight
        return full


def trim(backbone: MinBert, input_ids: Iterable[NDArray[np.int32]]) -> None:
    """Leave a backbone the embeddings of the ids that occur, padding among them."""
    used = np.unique(np.concatenate([*input_ids, [backbone.config.pad_token_id]]))
    full = backbone.embeddings.word
    rows = torch.from_numpy(used.astype(np.int64)).to(full.weight.device)
    backbone.embeddings.word = TrimmedEmbedding(full, rows)


def restore(backbone: MinBert) -> None:
    """Give a backbone its full vocabulary back, if it was trimmed."""
    if isinstance(backbone.embeddings.word, TrimmedEmbedding):
        backbone.embeddings.word = backbone.embeddings.word.restored()
