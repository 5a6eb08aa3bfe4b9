"""Cheap dropout: the right fraction and mean, and the same elements in the gradient."""

import pytest
import torch

from pipeline.encoder.dropout import Dropout, keep_mask, masked

FLOATS = [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("cheap", [True, False])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_expected_fraction_is_kept(dtype: torch.dtype, p: float, cheap: bool) -> None:
    torch.manual_seed(0)
    keep, scale = keep_mask(torch.empty(1000, 501, dtype=dtype), p, cheap=cheap)
    assert set(keep.unique().tolist()) == {-1, 0}
    # five standard deviations for a fraction of 501,000 draws
    assert abs((keep != 0).float().mean().item() - (1 - p)) < 5 * (p * (1 - p) / 501_000) ** 0.5
    assert abs(scale - 1 / (1 - p)) < 1e-4


def test_neighbors_are_drawn_independently() -> None:
    """Masks from the four quarters of a 64-bit word must be independent."""
    torch.manual_seed(0)
    keep, _ = keep_mask(torch.empty(400_000, dtype=torch.bfloat16), 0.5, cheap=True)
    quarters = (keep != 0).float().view(-1, 4)
    correlations = torch.corrcoef(torch.cat([quarters[:-1], quarters[1:]], dim=1).T)
    assert (correlations - torch.eye(8)).abs().max() < 0.02


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_use_the_same_mask_and_the_seed_determines_it(dtype: torch.dtype) -> None:
    values = torch.ones(64, 33, dtype=dtype, requires_grad=True)
    dropout = Dropout(0.25, cheap=True)
    torch.manual_seed(3)
    dropped, other = dropout(values), dropout(values)
    torch.manual_seed(3)
    assert torch.equal(dropout(values), dropped)
    assert not torch.equal(other, dropped)
    dropped.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, dropped)
    assert len(dropped.unique()) == 2


@pytest.mark.parametrize("cheap", [True, False])
def test_nothing_is_dropped_in_evaluation(cheap: bool) -> None:
    values = torch.randn(10)
    assert torch.equal(Dropout(0.5, cheap=cheap).eval()(values), values)
    assert torch.equal(Dropout(0.0, cheap=cheap)(values), values)


def test_dropped_values_are_zero_even_if_not_finite() -> None:
    keep = torch.tensor([0, -1, 0], dtype=torch.int32)
    values = torch.tensor([float("inf"), 2.0, float("nan")])
    assert masked(values, keep).tolist() == [0.0, 2.0, 0.0]
