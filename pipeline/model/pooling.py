"""From token vectors to one vector per sentence.

Shapes are written [B, T, D]: B sequences, T tokens with padding, D hidden size, S sentences in
each sequence. Masks are bool and True where a real token stands.
"""

import torch
from torch import Tensor


def mean_pool(hidden: Tensor, masks: Tensor) -> Tensor:
    """Average the vectors of each sentence's own tokens.

    Args:
        hidden: token vectors, float [B, T, D].
        masks: True at the tokens of a sentence, bool [B, S, T]. Each sentence has at least one.

    Returns:
        Sentence vectors, float [B, S, D].
    """
    weights = masks.to(hidden.dtype)
    return (weights @ hidden) / weights.sum(dim=-1, keepdim=True)


def sentence_masks(mask: Tensor, starts: Tensor) -> Tensor:
    """Say which tokens belong to which sentence, [CLS] and [SEP] included: bool [B, S, T].

    Args:
        mask: True at real tokens, bool [B, T].
        starts: where each sentence begins, ascending from 0, int64 [B, S].
    """
    place = torch.arange(mask.shape[-1], device=mask.device)  # [T]
    begun = place >= starts.unsqueeze(-1)  # [B, S, T]
    after = torch.nn.functional.pad(begun[:, 1:], (0, 0, 0, 1))  # the next sentence has begun
    return begun & ~after & mask.unsqueeze(1)
