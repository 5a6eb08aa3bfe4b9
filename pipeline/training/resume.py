"""Going on with a killed training: all that a step changes, in one file, and when it is written.

A training that goes on ends in the same bytes as one that was never killed, on the same device:
the file holds the model, AdamW's moments, the random numbers of dropout and of the order of
batches, the place in the epoch with its losses so far, the history, and the best model yet.
Plain tensors and JSON in safetensors' format: nothing is unpickled.
"""

import hashlib
import json
import logging
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.core.files import check_schema, replacing
from pipeline.core.schemas import CHECKPOINT
from pipeline.errors import PipelineError, StopError
from pipeline.plumbing.params import CheckpointsParams
from pipeline.training.history import EpochRow
from pipeline.training.loop import Progress, Trainer

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PLAIN = ("shuffler", "epoch", "step", "best_epoch", "best_score", "stopped")  # parts of Progress


class Checkpoint:
    """A training's file, written now and then at the boundary between two steps."""

    def __init__(self, path: Path, run: str, every: CheckpointsParams) -> None:
        self.path = path
        self.run = run
        self.every = every
        self.stop: int | None = None  # the signal that asks this process to stop
        self._steps = 0  # since the last one
        self._time = time.monotonic()  # of the last one

    def restore(self, trainer: Trainer) -> bool:
        """Bring a new trainer to where the file left off; say whether there was one.

        A damaged file, and one of another version, is named and put aside.

        Raises:
            OSError: the file could not be read, for no fault of its own.
        """
        if not self.path.exists():
            return False
        try:
            tensors, values = read_checkpoint(self.path)
        except PipelineError as error:
            log.warning("%s  begins anew: %s", self.run, error)
            self.path.replace(self.path.with_suffix(".damaged"))
            return False
        _apply(trainer, tensors, values)
        if trainer.is_done:
            log.info("%s  was trained to its end already; its outs are written", self.run)
        else:
            where = (self.run, trainer.progress.epoch - 1, trainer.progress.step)
            log.info("%s  goes on after epoch %d, step %d", *where)
        return True

    def boundary(self, trainer: Trainer) -> None:
        """Write the file if it is time, or if this process is asked to stop.

        Raises:
            StopError: it is asked to stop; the file is written.
        """
        self._steps += 1
        stop = self.stop
        is_time = time.monotonic() - self._time >= self.every.every_seconds
        if stop or is_time or self._steps >= self.every.every_steps:
            self.save(trainer)
        if stop:
            name = signal.Signals(stop).name
            raise StopError(
                f"{self.run} stopped by {name}; `make repro` goes on from its checkpoint", stop
            )

    def save(self, trainer: Trainer) -> None:
        """Write the file; where that fails the training goes on without."""
        try:
            write_checkpoint(self.path, trainer)
        except (OSError, SafetensorError) as error:
            log.warning("%s  could not be kept in %s: %s", self.run, self.path, error)
        self._steps, self._time = 0, time.monotonic()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and Ctrl-C as a wish to stop at the next boundary; a second one is final."""

        def note(number: int, _: FrameType | None) -> None:
            self.stop = number
            signal.signal(number, before[number])

        handlers = {int(number): signal.getsignal(number) for number in SIGNALS}
        before = {number: each for number, each in handlers.items() if each != signal.SIG_IGN}
        for number in before:  # not one that a shell ignores, for what runs in the background
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def write_checkpoint(path: Path, trainer: Trainer) -> None:
    """Write everything that the steps to come depend on, and everything that is to be reported.

    Raises:
        OSError, SafetensorError: the file could not be written; the old one is still there.
    """
    progress = trainer.progress
    parts: dict[str, Mapping[str, Tensor]] = {"best": progress.best_state}
    if not trainer.is_done:
        parts["model"] = trainer.model.state_dict()
        parts["optimizer"] = _moments(trainer.optimizer)
        parts["random"] = _random_states(trainer.model.device)
        parts["losses"] = {corpus: torch.stack(each) for corpus, each in progress.losses.items()}
    tensors = {
        f"{part}.{name}": tensor.detach().cpu().contiguous()
        for part, named in parts.items()
        for name, tensor in named.items()
    }
    values = {name: getattr(progress, name) for name in PLAIN}
    text = json.dumps(values | {"history": [asdict(row) for row in progress.history]})
    digest = _digest(tensors, text)
    with replacing(path) as temporary:
        metadata = {"schema": str(CHECKPOINT), "progress": text, "sha256": digest}
        save_file(tensors, temporary, metadata)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return a checkpoint's tensors, and what of the progress is no tensor.

    Raises:
        SchemaError: it was written by another version of this project.
        PipelineError: it is damaged.
        OSError: it could not be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            check_schema(path, metadata.get("schema"), CHECKPOINT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata["sha256"] != _digest(tensors, metadata["progress"]):
            raise PipelineError(f"{path} is damaged: its bytes are not those that were written")
        return tensors, json.loads(metadata["progress"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise PipelineError(f"{path} is damaged ({error})") from None


def _apply(trainer: Trainer, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Put a checkpoint's content into a trainer."""
    device = trainer.model.device
    best = {name: tensor.to(device) for name, tensor in _under("best", tensors).items()}
    history = [EpochRow(**row) for row in values["history"]]
    trainer.progress = Progress(**{**values, "history": history, "best_state": best})
    if trainer.is_done:
        return
    trainer.model.load_state_dict(_under("model", tensors))
    _set_moments(trainer.optimizer, _under("optimizer", tensors))
    losses: dict[Any, Tensor] = _under("losses", tensors)
    trainer.progress.losses = {corpus: list(each.to(device)) for corpus, each in losses.items()}
    _set_random_states(_under("random", tensors), device)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): tensor for k, tensor in tensors.items() if k.startswith(start)}


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimizer remembers, by parameter and name: "3.exp_avg"."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, values in state.items() for name, value in values.items()}


def _set_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    indices = dict.fromkeys(key.partition(".")[0] for key in moments)
    state = {int(index): _under(index, moments) for index in indices}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def _set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[device.type])


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return a sha256 over names, values and text."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
