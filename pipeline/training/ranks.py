"""One training in several processes, ranks, each with its share of every batch.

Every rank has the whole model and optimizer. In a step it takes the gradients of its share; their
sum, the same bits everywhere, is the gradient of the batch, and all ranks make the same update.
What follows from the model, dev scores too, every rank computes for itself: nothing is sent but
the sums. Only the first rank tells, keeps and writes. A rank is started by torchrun, whose
variables tell it which one it is (training/torchrun.py).
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
from torch import Tensor, distributed, nn

from pipeline.batches import Chosen
from pipeline.errors import ParamsError, TrainingError

SIGNALS = (signal.SIGTERM, signal.SIGINT)
BACKENDS = {"cpu": "gloo", "cuda": "nccl"}
LONGEST_WAIT = timedelta(days=7)  # for another process that trains the same run
GRACE_SECONDS = 10  # on a GPU, for the first rank to end its step after a signal


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int  # from 0
    size: int
    watchful: distributed.ProcessGroup | None = None  # through gloo: notices when one is no more

    @property
    def is_first(self) -> bool:
        """Say whether this is the one that tells, keeps and writes."""
        return self.rank == 0

    def named(self, device: str) -> str:
        """Name what all compute on: "2 x cpu"."""
        return device if self.size == 1 else f"{self.size} x {device}"

    def part(self, chosen: Chosen) -> tuple[Chosen, float]:
        """Return this rank's examples of a batch, and which fraction of the batch they are.

        Every rank takes every `size`th example: a batch is sorted by length, so that all get about
        as much to do. One that is left without any takes an example of another's with fraction 0:
        it then has gradients for the same parameters as the others.
        """
        if self.size == 1:
            return chosen, 1.0
        mine = chosen.indices[self.rank :: self.size]
        fraction = len(mine) / len(chosen.indices)
        return Chosen(mine if len(mine) else chosen.indices[:1], chosen.longest), fraction

    def reseed(self, *place: int) -> None:
        """Let torch's random numbers depend on a place in the training and on the rank alone.

        So a training that goes on needs no other rank's generator. One process keeps its own.
        """
        if self.size > 1:
            drawn = np.random.SeedSequence((*place, self.rank)).generate_state(1, np.uint64)
            torch.manual_seed(int(drawn[0]))

    def added_up(self, module: nn.Module, loss: Tensor, fraction: float) -> Tensor:
        """Replace the gradients of a module by their sum over all ranks.

        Args:
            module: the same parameters have gradients on every rank.
            loss: of this rank's share of the batch, a scalar.
            fraction: of the batch that is.

        Returns:
            The loss of the whole batch.

        Raises:
            TrainingError: a rank is no more.
        """
        if self.size == 1:
            return loss
        moved = [parameter for parameter in module.parameters() if parameter.grad is not None]
        parts = [parameter.grad.flatten() for parameter in moved if parameter.grad is not None]
        summed = torch.cat([*parts, loss.view(1) * fraction])
        _all_reduce(summed, distributed.ReduceOp.SUM)
        *gradients, total = torch.split(summed, [*map(len, parts), 1])
        for parameter, gradient in zip(moved, gradients, strict=True):
            parameter.grad = gradient.view_as(parameter)
        return total.squeeze().clone()  # not a view: the sums need not be kept with it

    def check_same(self, module: nn.Module, *place: int) -> None:
        """Make sure that all ranks hold the same parameters at the same place of the training.

        Raises:
            TrainingError: they do not, or a rank is no more.
        """
        if self.size == 1:
            return
        sums = [parameter.detach().double().sum() for parameter in module.parameters()]
        here = torch.stack([*sums, *(sums[0].new_tensor(number) for number in place)])
        here = here.nan_to_num()  # a spoilt model is told of elsewhere
        most = torch.cat([here, -here])
        _all_reduce(most, distributed.ReduceOp.MAX)
        if not torch.equal(most[: len(here)], -most[len(here) :]):
            raise TrainingError(
                f"the {self.size} processes of this training no longer hold the same model; they "
                "need the same code, data and checkpoints, and GPUs of one kind"
            )

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Let the first rank do the block before all others do it.

        Raises:
            TrainingError: the first rank is no more.
        """
        if self.is_first:
            yield
        if self.size > 1:
            with _losing_ranks():
                distributed.barrier(self.watchful)
        if not self.is_first:
            yield


ALONE = Ranks(rank=0, size=1)


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Ranks, torch.device]]:
    """Meet the other ranks, if torchrun has started this process; lend what it is, and its device.

    Once in a process: torch would meet by the addresses of the first time.
    Ranks other than the first say nothing but errors, and end quietly when another one is no more.

    Args:
        device: of a kind; which one of several GPUs is decided here.

    Raises:
        ParamsError: there is no such device for every rank.
    """
    if not distributed.is_torchelastic_launched():
        yield ALONE, device
        return
    device = _own_device(device, int(os.environ["LOCAL_RANK"]))
    rank = int(os.environ["RANK"])
    if rank:
        logging.disable(logging.WARNING)
    with _ending_at_once():  # waiting for the others, Python sees no signal
        distributed.init_process_group(BACKENDS[device.type])
        watchful = distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)
    if rank:
        _leave_signals_to_the_first(device)
    try:
        yield Ranks(rank, distributed.get_world_size(), watchful), device
    except RankLostError:
        if rank:
            raise SystemExit(1) from None  # the one that failed has told
        raise
    finally:
        distributed.destroy_process_group()


class RankLostError(TrainingError):
    """Another process of this training has ended before it was done."""


def _own_device(device: torch.device, local_rank: int) -> torch.device:
    """Choose a rank's device out of those of its machine."""
    if device.type not in BACKENDS:
        raise ParamsError(f"device: {device.type!r} takes one process, not several")
    if device.type == "cpu":
        return device
    if local_rank >= torch.cuda.device_count():
        raise ParamsError(
            f"process {local_rank + 1} of this machine has no GPU, there are "
            f"{torch.cuda.device_count()}; start fewer"
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Let a signal in the block end the process."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _leave_signals_to_the_first(device: torch.device) -> None:
    """Go on after a signal until the first rank has kept the training, and no longer."""

    def end_soon(*_: object) -> None:
        signal.alarm(GRACE_SECONDS)

    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN if BACKENDS[device.type] == "gloo" else end_soon)


def _all_reduce(tensor: Tensor, operation: distributed.ReduceOp.RedOpType) -> None:
    """Combine the tensors of all ranks in place.

    Raises:
        RankLostError: a rank is no more.
    """
    with _losing_ranks():
        distributed.all_reduce(tensor, operation)


@contextmanager
def _losing_ranks() -> Iterator[None]:
    """Tell in one sentence what torch says when a rank is no more."""
    try:
        yield
    except RuntimeError as error:
        cause = "" if "gloo" in str(error) else f" ({error})"
        raise RankLostError(
            f"another process of this training has ended{cause}; `make repro` goes on"
        ) from None
