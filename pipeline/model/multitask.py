"""minBERT with a head for each corpus: one backbone, shared by all tasks (section 4.5).

Shapes are written [B, G, T] and [B, S, D]: B examples, G sequences and S sentences in each, T
tokens with padding, D hidden size. A sequence is a sentence, or both of a pair read jointly.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.model.bert import MinBert, at_queries
from pipeline.model.heads import Head
from pipeline.model.pooling import mean_pool, sentence_masks
from pipeline.tasks import CORPORA, CorpusName, Pooling


def encode(
    backbone: MinBert,
    input_ids: Tensor,
    mask: Tensor,
    pooling: Pooling,
    second: Tensor | None = None,
) -> Tensor:
    """Return the sentence vectors of a batch, float32 [B, S, D].

    The sentences of a joint pair see each other, others never do. With `kernels.merge_pairs` both
    sentences of a separate pair go through the backbone in one forward pass.

    Args:
        backbone: what encodes them.
        input_ids: int64 [B, G, T].
        mask: True at real tokens, bool [B, G, T].
        pooling: what stands for a sentence.
        second: where the second sentence of a joint pair begins, int64 [B].
    """
    if second is not None:
        starts = torch.stack([torch.zeros_like(second), second], dim=1)  # [B, 2]
        return _encode(backbone, input_ids[:, 0], mask[:, 0], starts, pooling)
    starts = mask.new_zeros((len(input_ids), 1), dtype=torch.int64)
    if backbone.kernels.merge_pairs:
        num_sequences = input_ids.shape[1]
        flat = (input_ids.flatten(end_dim=1), mask.flatten(end_dim=1))
        merged = _encode(backbone, *flat, starts.repeat(num_sequences, 1), pooling)
        return merged.view(*input_ids.shape[:2], -1)
    each = [
        _encode(backbone, input_ids[:, sequence], mask[:, sequence], starts, pooling)
        for sequence in range(input_ids.shape[1])
    ]
    return torch.cat(each, dim=1)


def _encode(
    backbone: MinBert, input_ids: Tensor, mask: Tensor, starts: Tensor, pooling: Pooling
) -> Tensor:
    """Return the vectors of sentences, float32 [B, S, D], that begin at `starts`, int64 [B, S].

    Ids and mask are [B, T].
    """
    kernels = backbone.kernels
    queries = starts if kernels.trim_last_layer and pooling == "pooled" else None
    with torch.autocast(input_ids.device.type, torch.bfloat16, enabled=kernels.bf16):
        hidden = backbone(input_ids, mask, queries=queries)
        if pooling == "pooled":  # section 4.4: the pooler over the [CLS] of each sentence
            pooled: Tensor = backbone.pooler(
                at_queries(hidden, starts) if queries is None else hidden
            )
            return pooled.float()
    return mean_pool(hidden.float(), sentence_masks(mask, starts))


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
