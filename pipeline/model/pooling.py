"""From token vectors to one vector per sentence.

Shapes are written [B, T, D]: B examples, T tokens with padding, D hidden size.
Masks are bool and True where a real token stands.
"""

from torch import Tensor

from pipeline.model.bert import BertOutput
from pipeline.tasks import Pooling


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Average the vectors of the real tokens.

    Args:
        hidden: token vectors, float [B, T, D].
        mask: True at real tokens, bool [B, T]. Each row has at least one.

    Returns:
        Sentence vectors, float [B, D].
    """
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # [B, T, 1]
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def sentence_vectors(output: BertOutput, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return the vector that stands for each sentence under a task's pooling, float [B, D]."""
    if pooling == "pooled":
        return output.pooled
    return mean_pool(output.hidden, mask)
