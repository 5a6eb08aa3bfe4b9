"""thread_order: the same bits on any number of threads, and the gradients that torch computes."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from pipeline.encoder.thread_order import FixedOrderLayerNorm, SerialLinear, one_thread

THREADS = (1, 2, 4)
ROWS = {FixedOrderLayerNorm: 1600, SerialLinear: 64}  # of a batch of SST: tokens, examples


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def gradients(module: nn.Module, rows: int, threads: int) -> list[Tensor]:
    """Return the output and all gradients on a number of threads."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(rows, 384, generator=generator).requires_grad_()
    output = module(values)
    found = torch.autograd.grad(
        output, [values, *module.parameters()], torch.randn(output.shape, generator=generator)
    )
    return [output, *found]


@pytest.mark.parametrize("module", [FixedOrderLayerNorm(384), SerialLinear(384, 5)])
def test_bits_do_not_depend_on_threads(module: nn.Module) -> None:
    one, *several = (gradients(module, ROWS[type(module)], threads) for threads in THREADS)
    for other in several:
        assert all(map(torch.equal, one, other))


def test_results_are_torchs() -> None:
    for ours, torchs in (
        (FixedOrderLayerNorm(384), nn.LayerNorm(384)),
        (SerialLinear(384, 5), nn.Linear(384, 5)),
    ):
        torchs.load_state_dict(ours.state_dict())
        rows = ROWS[type(ours)]
        assert all(map(torch.equal, gradients(ours, rows, 1), gradients(torchs, rows, 1)))


def test_the_number_of_threads_is_restored_after_an_error() -> None:
    torch.set_num_threads(3)
    with pytest.raises(ZeroDivisionError), one_thread():
        torch.get_num_threads() / (torch.get_num_threads() - 1)
    assert torch.get_num_threads() == 3
