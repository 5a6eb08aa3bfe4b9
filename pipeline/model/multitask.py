"""minBERT with a head for each corpus: one backbone, shared by all tasks (section 4.5).

Shapes are written [B, S, T] and [B, S, D]: B examples, S sentences in each, T tokens with
padding, D hidden size.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from pipeline.model.bert import MinBert
from pipeline.model.heads import Head
from pipeline.model.pooling import sentence_vectors
from pipeline.tasks import CORPORA, CorpusName, Pooling


def encode(backbone: MinBert, input_ids: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return the sentence vectors of a batch, float [B, S, D].

    All sentences go through the backbone in one forward pass, each for itself.

    Args:
        backbone: what encodes them.
        input_ids: int64 [B, S, T].
        mask: True at real tokens, bool [B, S, T].
        pooling: what stands for a sentence.
    """
    sentences_mask = mask.flatten(end_dim=1)  # [B * S, T]
    output = backbone(input_ids.flatten(end_dim=1), sentences_mask)
    vectors = sentence_vectors(output, sentences_mask, pooling)  # [B * S, D]
    return vectors.view(*input_ids.shape[:2], -1)


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
