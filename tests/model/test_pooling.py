"""Pooling: padding must not change a sentence's vector."""

import pytest
import torch
from torch import Tensor

from pipeline.model.bert import BertOutput
from pipeline.model.pooling import mean_pool, sentence_vectors

B, T, D = 3, 5, 4


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(0))


def test_mean_of_real_tokens_by_hand() -> None:
    hidden = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(mean_pool(hidden, mask), torch.tensor([[2.0, 20.0]]))


def test_without_padding_is_the_plain_mean(hidden: Tensor) -> None:
    mask = torch.ones(B, T, dtype=torch.bool)
    torch.testing.assert_close(mean_pool(hidden, mask), hidden.mean(dim=1))


@pytest.mark.parametrize("length", [1, 2, T])
def test_ignores_what_stands_at_padding(hidden: Tensor, length: int) -> None:
    mask = torch.arange(T).expand(B, T) < length
    disturbed = hidden.masked_fill(~mask.unsqueeze(-1), 1e6)
    torch.testing.assert_close(mean_pool(disturbed, mask), hidden[:, :length].mean(dim=1))


def test_no_gradient_reaches_padding(hidden: Tensor) -> None:
    mask = torch.arange(T).expand(B, T) < 2
    hidden.requires_grad_()
    mean_pool(hidden, mask).sum().backward()
    assert hidden.grad is not None
    assert (hidden.grad[mask] == 0.5).all()
    assert not hidden.grad[~mask].any()


def test_shape_and_dtype(hidden: Tensor) -> None:
    mask = torch.ones(B, T, dtype=torch.bool)
    pooled = mean_pool(hidden.half(), mask)
    assert pooled.shape == (B, D)
    assert pooled.dtype == torch.float16


def test_each_pooling_takes_its_own_part_of_the_output(hidden: Tensor) -> None:
    mask = torch.arange(T).expand(B, T) < 3
    output = BertOutput(hidden=hidden, pooled=torch.full((B, D), 7.0))
    assert torch.equal(sentence_vectors(output, mask, "pooled"), output.pooled)
    assert torch.equal(sentence_vectors(output, mask, "mean"), mean_pool(hidden, mask))
