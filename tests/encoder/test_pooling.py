"""Pooling: padding must not change a sentence's vector."""

import pytest
import torch
from torch import Tensor

from pipeline.encoder.pooling import mean_pool, sentence_masks

B, T, D = 3, 5, 4


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(0))


def test_mean_of_real_tokens_by_hand() -> None:
    hidden = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(mean_pool(hidden, mask[:, None]), torch.tensor([[[2.0, 20.0]]]))


@pytest.mark.parametrize("length", [1, 2, T])
def test_ignores_what_stands_at_padding(hidden: Tensor, length: int) -> None:
    mask = torch.arange(T).expand(B, T) < length
    disturbed = hidden.masked_fill(~mask.unsqueeze(-1), 1e6)
    pooled = mean_pool(disturbed, mask[:, None])[:, 0]
    torch.testing.assert_close(pooled, hidden[:, :length].mean(dim=1))


def test_no_gradient_reaches_padding(hidden: Tensor) -> None:
    mask = torch.arange(T).expand(B, T) < 2
    hidden.requires_grad_()
    mean_pool(hidden, mask[:, None]).sum().backward()
    assert hidden.grad is not None
    assert (hidden.grad[mask] == 0.5).all()
    assert not hidden.grad[~mask].any()


def test_each_token_belongs_to_the_sentence_that_began_last() -> None:
    mask = torch.tensor([[True] * 5, [True] * 4 + [False]])
    masks = sentence_masks(mask, torch.tensor([[0, 3], [0, 1]]))
    assert masks.int().tolist() == [
        [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
        [[1, 0, 0, 0, 0], [0, 1, 1, 1, 0]],
    ]


def test_the_means_of_a_joint_pair_are_of_each_sentences_own_tokens(hidden: Tensor) -> None:
    mask = torch.ones(B, T, dtype=torch.bool)
    pooled = mean_pool(hidden, sentence_masks(mask, torch.tensor([[0, 2]] * B)))
    expected = torch.stack([hidden[:, :2].mean(dim=1), hidden[:, 2:].mean(dim=1)], dim=1)
    torch.testing.assert_close(pooled, expected)
