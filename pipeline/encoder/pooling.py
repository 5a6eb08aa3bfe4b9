"""From token ids to one vector per sentence.

Shapes are written [B, G, T] and [B, S, D]: B examples, G sequences and S sentences in each, T
tokens including padding, D hidden size. A sequence is one sentence or a joint pair.
Masks are bool, True at real tokens.
"""

import torch
from torch import Tensor

from pipeline.core.tasks import Pooling
from pipeline.encoder.batches import Batch
from pipeline.encoder.bert import MinBert, at_queries


def encode(backbone: MinBert, batch: Batch, pooling: Pooling) -> Tensor:
    """Return the sentence vectors of a batch, float32 [B, S, D].

    Only the sentences of a joint pair attend to each other. With `kernels.merge_pairs`, both
    sentences of a separate pair go through the backbone in one forward pass.
    """
    input_ids, mask = batch.input_ids, batch.attention_mask  # [B, G, T]
    starts = mask.new_zeros((len(mask), 1), dtype=torch.int64)  # of the sentences in a sequence
    if batch.second is not None:
        starts = torch.stack([torch.zeros_like(batch.second), batch.second], dim=1)  # [B, 2]
    if backbone.kernels.merge_pairs and batch.second is None:
        flat = (input_ids.flatten(end_dim=1), mask.flatten(end_dim=1))
        vectors = sentence_vectors(backbone, *flat, starts.repeat(mask.shape[1], 1), pooling)
        return vectors.view(*mask.shape[:2], -1)
    each = [
        sentence_vectors(backbone, *sequences, starts, pooling)
        for sequences in zip(input_ids.unbind(1), mask.unbind(1), strict=True)
    ]
    return torch.cat(each, dim=1)


def sentence_vectors(
    backbone: MinBert, input_ids: Tensor, mask: Tensor, starts: Tensor, pooling: Pooling
) -> Tensor:
    """Return the vectors, float32 [B, S, D], of the sentences in B sequences.

    Args:
        backbone: the model that encodes them.
        input_ids: int64 [B, T].
        mask: True at real tokens, bool [B, T].
        starts: the position of the first token of each sentence, int64 [B, S].
        pooling: how to turn token vectors into a sentence vector.
    """
    kernels = backbone.kernels
    queries = starts if kernels.trim_last_layer and pooling == "pooled" else None
    with torch.autocast(input_ids.device.type, torch.bfloat16, enabled=kernels.bf16):
        hidden = backbone(input_ids, mask, queries=queries)
        if pooling == "pooled":  # section 4.4: the pooler on the [CLS] of each sentence
            pooled: Tensor = backbone.pooler(
                at_queries(hidden, starts) if queries is None else hidden
            )
            return pooled.float()
    return mean_pool(hidden.float(), sentence_masks(mask, starts))


def mean_pool(hidden: Tensor, masks: Tensor) -> Tensor:
    """Average the vectors of the tokens of each sentence.

    Args:
        hidden: token vectors, float [B, T, D].
        masks: True at the tokens of a sentence, bool [B, S, T]. Each sentence has at least one.

    Returns:
        Sentence vectors, float [B, S, D].
    """
    weights = masks.to(hidden.dtype)
    return (weights @ hidden) / weights.sum(dim=-1, keepdim=True)


def sentence_masks(mask: Tensor, starts: Tensor) -> Tensor:
    """Return the mask of the tokens of each sentence, with [CLS] and [SEP], bool [B, S, T].

    Args:
        mask: True at real tokens, bool [B, T].
        starts: the first position of each sentence, ascending from 0, int64 [B, S].
    """
    position = torch.arange(mask.shape[-1], device=mask.device)  # [T]
    is_started = position >= starts.unsqueeze(-1)  # [B, S, T]
    is_ended = torch.nn.functional.pad(is_started[:, 1:], (0, 0, 0, 1))  # from the next sentence on
    return is_started & ~is_ended & mask.unsqueeze(1)
