"""Pooling: padding does not change a sentence's vector."""

import torch

from pipeline.encoder.pooling import mean_pool, sentence_masks


def test_each_token_belongs_to_the_sentence_that_began_last() -> None:
    mask = torch.tensor([[True] * 5, [True] * 4 + [False]])
    masks = sentence_masks(mask, torch.tensor([[0, 3], [0, 1]]))
    assert masks.int().tolist() == [
        [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
        [[1, 0, 0, 0, 0], [0, 1, 1, 1, 0]],
    ]


def test_means_and_gradients_use_only_a_sentences_own_tokens() -> None:
    hidden = torch.tensor([[[1.0, 10], [3, 30], [5, 50], [1e6, 1e6]]], requires_grad=True)
    masks = torch.tensor([[[True, True, False, False], [False, False, True, False]]])
    pooled = mean_pool(hidden, masks)
    assert pooled.tolist() == [[[2.0, 20.0], [5.0, 50.0]]]
    pooled.sum().backward()
    assert hidden.grad is not None
    assert hidden.grad[0].tolist() == [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0]]
