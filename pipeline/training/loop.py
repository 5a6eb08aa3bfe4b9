"""The trainer: one loop for single-task and multi-task runs, with a frozen or finetuned backbone.

An epoch is a round robin over the corpora of the run (Equation 1). In each round, the smallest
corpus gives one batch. A corpus with k times as many batches gives k, and its losses get a smaller
weight. A single-task run is a round robin with one corpus.

A step or an epoch changes only the model, the optimizer, torch's random state and `Progress`. With
these, another process can continue the training exactly where this one stopped.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.core.tasks import CorpusName, IdleHeads
from pipeline.encoder.batches import Chosen, num_batches, on_device, shuffled_batches
from pipeline.encoder.device import device_name, fitting_in_memory
from pipeline.heads.examples import Examples
from pipeline.heads.metrics import NOT_FINITE, score
from pipeline.heads.model import MultitaskBert, loss_of
from pipeline.heads.predict import predict
from pipeline.plumbing.params import OptimizerParams, Params, RunParams, TrainingSpeedParams
from pipeline.training import health
from pipeline.training.health import NotFiniteError
from pipeline.training.history import EpochRow, mean_score
from pipeline.training.optimizer import add_zero_gradients, new_optimizer
from pipeline.training.pace import Pace
from pipeline.training.round_robin import loss_weights, round_robin
from pipeline.training.trimmed_embedding import restore, trim

log = logging.getLogger(__name__)

STEPS_BETWEEN_CHECKS = 100  # a check waits for the device
STEP_REMEDY = "lower the run's batch_size, or tokens.max_length, in params.yaml"


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that determines how a model is trained, except its data."""

    epochs: int
    learning_rate: float
    batch_size: Mapping[CorpusName, int]
    optimizer: OptimizerParams
    speed: TrainingSpeedParams
    dev_batch_size: int
    seed: int
    idle_heads: IdleHeads | None = None  # multi-task: whether a step also updates the other heads


def plan_of(params: Params, run: RunParams) -> TrainingPlan:
    """Return the training plan of a run in the active profile."""
    return TrainingPlan(
        epochs=params.epochs(run),
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=params.speed.training,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
        idle_heads=run.idle_heads,
    )


@dataclass
class Progress:
    """The state of a training run, except the model, the optimizer and torch's random state."""

    shuffler: Mapping[str, Any]  # the random state of the shuffler at the start of the epoch
    best_state: Mapping[str, Tensor]  # weights of the best epoch so far; initially of the new model
    epoch: int = 1  # the current one
    step: int = 0  # steps done in this epoch
    losses: dict[CorpusName, list[Tensor]] = field(default_factory=dict)  # of this epoch
    history: list[EpochRow] = field(default_factory=list)
    best_epoch: int = 0  # 0: none yet
    best_score: float = -math.inf
    stopped: str | None = None  # why the run ended before its last epoch, if it did


class Trainer:
    """Trains a model; its state can be saved and restored between steps."""

    def __init__(
        self,
        model: MultitaskBert,
        train: Mapping[CorpusName, Examples],
        dev: Mapping[CorpusName, Examples],
        plan: TrainingPlan,
    ) -> None:
        self.model = model
        self.train = train
        self.dev = dev
        self.plan = plan
        self._trim_vocabulary()
        self.optimizer = new_optimizer(
            model, plan.learning_rate, plan.optimizer, plan.speed.fused_adamw
        )
        self.num_batches = {
            corpus: num_batches(len(examples.split), plan.batch_size[corpus])
            for corpus, examples in train.items()
        }
        self.labels = {
            corpus: torch.from_numpy(np.array(examples.split.labels)).to(model.device)
            for corpus, examples in train.items()
        }
        self.weights = loss_weights(self.num_batches)
        self.shuffler = np.random.default_rng(plan.seed)
        self.progress = Progress(self.shuffler.bit_generator.state, self._state())

    @property
    def is_done(self) -> bool:
        """Return whether the training has ended."""
        return self.progress.epoch > self.plan.epochs or self.progress.stopped is not None

    def fit(
        self, name: str, boundary: Callable[["Trainer"], None] = lambda _: None
    ) -> dict[str, Any]:
        """Train from the current state to the end of the last epoch.

        Only a loss, gradient or prediction that is not finite ends the run early;
        `progress.stopped` then says why.

        Args:
            name: the name of the run, for the progress lines.
            boundary: called after every step and every epoch. It can save a checkpoint, or stop the
                training by raising an exception.

        Returns:
            What this process did, for the time record of the stage (`StageTime`).
        """
        progress = self.progress
        num_steps = sum(1 for _ in round_robin(self.num_batches))
        done = (progress.epoch - 1) * num_steps + progress.step
        pace = Pace(name, self.plan.epochs, num_steps, done)
        while not self.is_done:
            batches = self._train_epoch(pace, boundary)
            pace.scoring()
            rows = self._epoch_rows(batches)
            progress.history += rows
            if progress.stopped:
                log.warning("%s  stopped: %s", name, progress.stopped)
            else:
                pace.epoch(rows)
                if (mean := mean_score(rows)) > progress.best_score:
                    progress.best_epoch, progress.best_score = progress.epoch, mean
                    progress.best_state = self._state()
            progress.epoch, progress.step, progress.losses = progress.epoch + 1, 0, {}
            progress.shuffler = self.shuffler.bit_generator.state
            boundary(self)
        machine = {"device": device_name(self.model.device), "threads": torch.get_num_threads()}
        return pace.finish() | machine

    def finish(self) -> Progress:
        """Load the weights of the best epoch and restore the whole vocabulary."""
        self.model.load_state_dict(self.progress.best_state)
        if self.model.backbone is not None:
            restore(self.model.backbone)
        return self.progress

    def _train_epoch(
        self, pace: Pace, boundary: Callable[["Trainer"], None]
    ) -> list[tuple[CorpusName, Chosen]]:
        """Take the remaining steps of an epoch; return all batches of its steps so far."""
        progress, turns = self.progress, self._turns()
        self.model.train()
        for corpus, chosen in turns[progress.step :]:
            loss = self.step(corpus, chosen)
            progress.losses.setdefault(corpus, []).append(loss)
            progress.step += 1
            pace.step(len(chosen.indices))
            if progress.step % STEPS_BETWEEN_CHECKS == 0 and self._has_non_finite_loss():
                break  # `_epoch_rows` finds the cause
            boundary(self)
        return turns[: progress.step]

    def _turns(self) -> list[tuple[CorpusName, Chosen]]:
        """Draw the batches of the epoch, in the order of Equation 1."""
        self.shuffler.bit_generator.state = self.progress.shuffler
        batches = {corpus: iter(self.batches_of(corpus)) for corpus in self.train}
        return [(corpus, next(batches[corpus])) for corpus in round_robin(self.num_batches)]

    def batches_of(self, corpus: CorpusName) -> list[Chosen]:
        """Draw the batches of a corpus for its next epoch, on the device."""
        lengths = self.train[corpus].split.lengths
        size, pool = self.plan.batch_size[corpus], self.plan.speed.bucket_batches
        batches = shuffled_batches(lengths, size, pool, self.shuffler)
        return on_device(batches, lengths, self.model.device)

    def step(self, corpus: CorpusName, chosen: Chosen) -> Tensor:
        """Update the model on one batch; return its unweighted loss.

        On a GPU, nothing here waits for the device: the batch and the loss stay there.

        Raises:
            TrainingError: the batch does not fit into the memory of the device.
        """
        examples = self.train[corpus]
        described = chosen.described(examples.split.corpus)
        with fitting_in_memory(described, self.model.device, STEP_REMEDY):
            outputs = self.model(corpus, examples.batch(chosen))
            loss = loss_of(examples.split.corpus, outputs, self.labels[corpus][chosen.indices])
            self.optimizer.zero_grad(set_to_none=True)
            (loss * self.weights[corpus]).backward()  # type: ignore[no-untyped-call]
            if self.plan.idle_heads == "step":
                add_zero_gradients(self.optimizer)
            self.optimizer.step()
        return loss.detach()

    def _has_non_finite_loss(self) -> bool:
        """Return whether any loss since the last check is not finite."""
        losses = self.progress.losses.values()
        return any(health.not_finite(each[-STEPS_BETWEEN_CHECKS:]) for each in losses)

    def _epoch_rows(self, batches: Sequence[tuple[CorpusName, Chosen]]) -> list[EpochRow]:
        """Return the history rows of an epoch, with dev scores if losses and gradients are finite.

        Args:
            batches: the batches that the epoch trained on.
        """
        progress, norm = self.progress, health.gradient_norm(self.optimizer)
        rows = []
        for corpus in self.train:
            losses = progress.losses.get(corpus, [])
            row = EpochRow(
                epoch=progress.epoch,
                corpus=corpus,
                steps=len(losses),
                examples=sum(len(chosen.indices) for name, chosen in batches if name == corpus),
                train_loss=_finite(float(torch.stack(losses).mean())) if losses else None,
                gradient_norm=_finite(norm),
                dev_metric=self.dev[corpus].split.corpus.task.metric,
                dev_score=None,
                note="",
            )
            rows.append(row)
        try:
            health.check_finite(progress.losses, norm)
            return [self._scored(row) for row in rows]
        except NotFiniteError as error:  # even of one corpus: the epoch cannot be the best
            corpus, reason = error.args
            progress.stopped = f"{reason}, epoch {progress.epoch} ({corpus})"
            return [replace(row, note=reason) if row.corpus == corpus else row for row in rows]

    def _scored(self, row: EpochRow) -> EpochRow:
        """Add the dev score to a row, and notes on anything unusual."""
        dev = self.dev[row.corpus].split
        predictions = predict(self.model, self.dev[row.corpus], self.plan.dev_batch_size)
        result = score(dev.corpus, predictions, dev.labels)
        if result.reason == NOT_FINITE:
            raise NotFiniteError(row.corpus, "predictions for the dev set are not finite")
        notes = [
            *health.growth_notes(self.progress.history, row),
            *health.dev_notes(dev.corpus, predictions, dev.labels),
        ]
        return replace(row, dev_score=result.value, note="; ".join(notes))

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def _trim_vocabulary(self) -> None:
        """Train only the word embeddings that occur, if this does not change the result."""
        if self.model.backbone is None or not self.plan.speed.trim_vocabulary:
            return
        if self.plan.optimizer.weight_decay:
            log.info("weight decay changes all word embeddings: the whole vocabulary is trained")
            return
        splits = [*self.train.values(), *self.dev.values()]
        trim(self.model.backbone, [examples.split.input_ids for examples in splits])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
