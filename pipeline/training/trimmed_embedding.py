"""Word embeddings without the words that never occur.

If no example looks up a row of the matrix, the row gets no gradient, and AdamW without weight decay
does not change it. So training only the rows in use gives exactly the same result. A corpus uses
less than half of the vocabulary, so the optimizer has much less to do.
"""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.encoder.bert import MinBert


class TrimmedEmbedding(nn.Embedding):
    """The rows in use of a full embedding, looked up by ids of the full vocabulary."""

    rows: Tensor

    def __init__(self, full: nn.Embedding, used: Tensor) -> None:
        """Copy the rows `used`, int64 [U], from `full`."""
        super().__init__(len(used), full.embedding_dim, _weight=full.weight.detach()[used])
        rows = torch.full((full.num_embeddings,), -1, device=used.device)
        rows[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("rows", rows, persistent=False)
        self.full = [full]  # in a list, so that torch does not register its parameters here
        self.used = used

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors of ids, int64 [...]; an id that is not in use is out of range."""
        return F.embedding(self.rows[input], self.weight)

    def restored(self) -> nn.Embedding:
        """Return the full embedding, with the current values of the rows in use."""
        (full,) = self.full
        with torch.no_grad():
            full.weight[self.used] = self.weight
        return full


def trim(backbone: MinBert, input_ids: Iterable[NDArray[np.int32]]) -> None:
    """Reduce the word embeddings of a backbone to the ids that occur, including padding."""
    used = np.unique(np.concatenate([*input_ids, [backbone.config.pad_token_id]]))
    full = backbone.embeddings.word
    rows = torch.from_numpy(used.astype(np.int64)).to(full.weight.device)
    backbone.embeddings.word = TrimmedEmbedding(full, rows)


def restore(backbone: MinBert) -> None:
    """Restore the full vocabulary of a backbone, if it was trimmed."""
    if isinstance(backbone.embeddings.word, TrimmedEmbedding):
        backbone.embeddings.word = backbone.embeddings.word.restored()
