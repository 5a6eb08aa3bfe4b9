"""thread_order: the same bits on any number of threads, and the gradients that torch computes."""

import pytest
import torch
from torch import Tensor, nn

from pipeline.encoder.thread_order import FixedOrderLayerNorm, SerialLinear, one_thread


def gradients(module: nn.Module, rows: int, threads: int) -> list[Tensor]:
    """Return the output and all gradients on a number of threads."""
    generator = torch.Generator().manual_seed(0)
    with one_thread():  # restores the number of threads
        torch.set_num_threads(threads)
        values = torch.randn(rows, 384, generator=generator).requires_grad_()
        output = module(values)
        gradient = torch.randn(output.shape, generator=generator)
        return [output, *torch.autograd.grad(output, [values, *module.parameters()], gradient)]


@pytest.mark.parametrize(
    ("ours", "torchs", "rows"),  # as many rows as a batch of SST has tokens, or examples
    [
        (FixedOrderLayerNorm(384), nn.LayerNorm(384), 1600),
        (SerialLinear(384, 5), nn.Linear(384, 5), 64),
    ],
)
def test_any_number_of_threads_gives_the_bits_that_torch_gives_with_one(
    ours: nn.Module, torchs: nn.Module, rows: int
) -> None:
    torchs.load_state_dict(ours.state_dict())
    one = gradients(torchs, rows, 1)
    for threads in (1, 2, 4):
        assert all(map(torch.equal, one, gradients(ours, rows, threads)))


def test_the_number_of_threads_is_restored_after_an_error() -> None:
    with one_thread():
        torch.set_num_threads(3)
        with pytest.raises(ZeroDivisionError), one_thread():
            torch.get_num_threads() / (torch.get_num_threads() - 1)
        assert torch.get_num_threads() == 3
