"""The checkpoint of a training run: one file with everything that a step changes.

On the same device, a resumed run produces the same bytes as an uninterrupted one. The file
contains the model, AdamW's moments, the random states of dropout and shuffling, the position in the
epoch with its losses so far, the history, and the best model so far. It is a safetensors file
with JSON in its metadata, so loading it unpickles nothing.
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
JSON_FIELDS = ("shuffler", "epoch", "step", "best_epoch", "best_score", "stopped")  # of Progress


class Checkpoint:
    """The checkpoint file of a training run, written from time to time between two steps."""

    def __init__(self, path: Path, run: str, every: CheckpointsParams) -> None:
        self.path = path
        self.run = run
        self.every = every
        self.stop: int | None = None  # the signal that asked this process to stop
        self._steps = 0  # number of steps since the last checkpoint
        self._time = time.monotonic()  # of the last checkpoint

    def restore(self, trainer: Trainer) -> bool:
        """Load the file into a new trainer; return whether this succeeded.

        If the file is damaged or of another version, log a warning and rename the file.

        Raises:
            OSError: the file could not be read.
        """
        if not self.path.exists():
            return False
        try:
            tensors, values = read_checkpoint(self.path)
        except PipelineError as error:
            log.warning("%s  starts again: %s", self.run, error)
            self.path.replace(self.path.with_suffix(".damaged"))
            return False
        _apply(trainer, tensors, values)
        if trainer.is_done:
            log.info("%s  is already trained; writing its outs", self.run)
        else:
            where = (self.run, trainer.progress.epoch - 1, trainer.progress.step)
            log.info("%s  resumes after epoch %d, step %d", *where)
        return True

    def boundary(self, trainer: Trainer) -> None:
        """Write the file if a checkpoint is due or a signal asked this process to stop.

        Raises:
            StopError: a signal asked this process to stop; the file is written.
        """
        self._steps += 1
        stop = self.stop
        is_due = time.monotonic() - self._time >= self.every.every_seconds
        if stop or is_due or self._steps >= self.every.every_steps:
            self.save(trainer)
        if stop:
            name = signal.Signals(stop).name
            raise StopError(
                f"{self.run} stopped by {name}; `make repro` resumes it from its checkpoint", stop
            )

    def save(self, trainer: Trainer) -> None:
        """Write the file; if that fails, log a warning and continue training."""
        try:
            write_checkpoint(self.path, trainer)
        except (OSError, SafetensorError) as error:
            log.warning("%s  could not write its checkpoint %s: %s", self.run, self.path, error)
        self._steps, self._time = 0, time.monotonic()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Stop at the next boundary after SIGTERM or Ctrl-C; a second signal ends the process."""

        def note(number: int, _: FrameType | None) -> None:
            self.stop = number
            signal.signal(number, before[number])

        handlers = {int(number): signal.getsignal(number) for number in SIGNALS}
        before = {number: each for number, each in handlers.items() if each != signal.SIG_IGN}
        for number in before:  # a shell makes background jobs ignore SIGINT; do not change that
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def write_checkpoint(path: Path, trainer: Trainer) -> None:
    """Write everything that later steps and reports depend on.

    Raises:
        OSError, SafetensorError: the file could not be written; the old file is unchanged.
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
    values = {name: getattr(progress, name) for name in JSON_FIELDS}
    text = json.dumps(values | {"history": [asdict(row) for row in progress.history]})
    digest = _digest(tensors, text)
    with replacing(path) as temporary:
        metadata = {"schema": str(CHECKPOINT), "progress": text, "sha256": digest}
        save_file(tensors, temporary, metadata)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a checkpoint and the other values of its `Progress`.

    Raises:
        SchemaError: another version of this project wrote the file.
        PipelineError: the file is damaged.
        OSError: the file could not be read.
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
    """Load the content of a checkpoint into a trainer."""
    device = trainer.model.device
    best = {name: tensor.to(device) for name, tensor in _with_prefix("best", tensors).items()}
    history = [EpochRow(**row) for row in values["history"]]
    trainer.progress = Progress(**{**values, "history": history, "best_state": best})
    if trainer.is_done:
        return
    trainer.model.load_state_dict(_with_prefix("model", tensors))
    _set_moments(trainer.optimizer, _with_prefix("optimizer", tensors))
    losses: dict[Any, Tensor] = _with_prefix("losses", tensors)
    trainer.progress.losses = {corpus: list(each.to(device)) for corpus, each in losses.items()}
    _set_random_states(_with_prefix("random", tensors), device)


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): tensor for k, tensor in tensors.items() if k.startswith(start)}


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the state of an optimizer, with keys such as "3.exp_avg" for parameter 3."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, values in state.items() for name, value in values.items()}


def _set_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    indices = dict.fromkeys(key.partition(".")[0] for key in moments)
    state = {int(index): _with_prefix(index, moments) for index in indices}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the random generators that dropout uses."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def _set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[device.type])


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return the SHA-256 of the names and values of the tensors and the text."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
