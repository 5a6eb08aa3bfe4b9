"""The trainer: one loop for single-task and multi-task runs, frozen and finetuned.

A single-task run is a round robin of one corpus (Equation 1 with nothing to share). All that a
step or an epoch changes is in the model, the optimizer, torch's random numbers and `Progress`:
keep these, and a training can go on in another process as if nothing had happened.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.batches import Chosen, num_batches, on_device, shuffled_batches
from pipeline.device import device_name, fitting_in_memory
from pipeline.evaluation.metrics import NOT_FINITE, score
from pipeline.evaluation.predict import Examples, predict
from pipeline.model.heads import loss_of
from pipeline.model.multitask import MultitaskBert
from pipeline.params import OptimizerParams, TrainingSpeedParams
from pipeline.tasks import CorpusName, IdleHeads
from pipeline.training.health import dev_notes, gradient_norm, growth_notes, not_finite
from pipeline.training.history import EpochRow, mean_score
from pipeline.training.optimizer import new_optimizer, step_idle_too
from pipeline.training.pace import Pace
from pipeline.training.round_robin import loss_weights, round_robin
from pipeline.training.trimmed_embedding import restore, trim

log = logging.getLogger(__name__)

STEPS_BETWEEN_LOOKS = 100  # at losses: a look waits for the device
STEP_REMEDY = "lower the run's batch_size, or tokens.max_length, in params.yaml"


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides how a model is trained, its data aside."""

    epochs: int
    learning_rate: float
    batch_size: Mapping[CorpusName, int]
    optimizer: OptimizerParams
    speed: TrainingSpeedParams
    dev_batch_size: int
    seed: int
    idle_heads: IdleHeads | None = None  # of several: whether those without a turn are stepped


@dataclass
class Progress:
    """Where a training stands; model, optimizer and torch's random numbers aside."""

    shuffler: Mapping[str, Any]  # the state of its random numbers when the epoch began
    best_state: Mapping[str, Tensor]  # the model in its best epoch; at first as it was given
    epoch: int = 1  # the one that is being trained
    step: int = 0  # so many of its steps are done
    losses: dict[CorpusName, list[Tensor]] = field(default_factory=dict)  # of these steps
    history: list[EpochRow] = field(default_factory=list)
    best_epoch: int = 0  # 0: none yet
    best_score: float = -math.inf
    stopped: str | None = None  # what went wrong, if the run had to end before its last epoch


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model is set to its best epoch."""

    history: list[EpochRow]
    best_epoch: int  # 0: no epoch came to its end, the model is as it was at first
    stopped: str | None  # why the run ended before its last epoch, if it did


class Trainer:
    """A model in the middle of its training."""

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
        self.progress = Progress(
            shuffler=self.shuffler.bit_generator.state, best_state=self._state()
        )

    def fit(self, name: str, boundary: Callable[["Trainer"], None] | None = None) -> None:
        """Train to the last epoch, from wherever the training stands.

        A loss, gradient or prediction that is no finite number ends the run early:
        `progress.stopped` tells. Nothing else does.

        Args:
            name: of the run, for the progress lines.
            boundary: called after every step and every epoch, where a training can be kept, and
                stopped by an exception.
        """
        progress, pace = self.progress, self._pace(name)
        while progress.epoch <= self.plan.epochs and not progress.stopped:
            rows = self._epoch(pace, boundary)
            progress.history += rows
            if progress.stopped:
                log.warning("%s  stopped: %s", name, progress.stopped)
            elif mean_score(rows) > progress.best_score:
                progress.best_epoch, progress.best_score = progress.epoch, mean_score(rows)
                progress.best_state = self._state()
            progress.epoch, progress.step, progress.losses = progress.epoch + 1, 0, {}
            progress.shuffler = self.shuffler.bit_generator.state
            if not progress.stopped:
                pace.tell(rows)
            if boundary:
                boundary(self)
        device = device_name(self.model.device)
        pace.finish({"device": device, "threads": torch.get_num_threads()})

    def _pace(self, name: str) -> Pace:
        """Begin to count from where the training stands."""
        steps_per_epoch = len(list(round_robin(self.num_batches)))
        done = (self.progress.epoch - 1) * steps_per_epoch + self.progress.step
        return Pace(name, self.plan.epochs, steps_per_epoch, done)

    def finish(self) -> Trained:
        """Set the model to its epoch with the best dev score, and give it its whole vocabulary."""
        progress = self.progress
        self.model.load_state_dict(progress.best_state)
        if self.model.backbone is not None:
            restore(self.model.backbone)
        return Trained(progress.history, progress.best_epoch, progress.stopped)

    def _trim_vocabulary(self) -> None:
        """Train the word embeddings that occur, where that is exact."""
        if self.model.backbone is None or not self.plan.speed.trim_vocabulary:
            return
        if self.plan.optimizer.weight_decay:
            log.info("weight decay moves every word embedding: the whole vocabulary is trained")
            return
        splits = [*self.train.values(), *self.dev.values()]
        trim(self.model.backbone, [examples.split.input_ids for examples in splits])

    def _epoch(self, pace: Pace, boundary: Callable[["Trainer"], None] | None) -> list[EpochRow]:
        """Do what is left of an epoch's steps, then score the dev sets."""
        progress = self.progress
        self.model.train()
        progress.losses = progress.losses or {corpus: [] for corpus in self.train}
        turns = self._turns()
        for corpus, chosen in turns[progress.step :]:
            progress.losses[corpus].append(self.step(corpus, chosen))
            progress.step += 1
            pace.step(len(chosen.indices))
            if progress.step % STEPS_BETWEEN_LOOKS == 0 and self._is_spoilt():
                break
            if boundary:
                boundary(self)
        pace.scoring()
        return self._look_back(turns[: progress.step])

    def _turns(self) -> list[tuple[CorpusName, Chosen]]:
        """Draw the epoch's batches, in the order of Equation 1."""
        self.shuffler.bit_generator.state = self.progress.shuffler
        batches = {corpus: iter(self.batches_of(corpus)) for corpus in self.train}
        return [(corpus, next(batches[corpus])) for corpus in round_robin(self.num_batches)]

    def _is_spoilt(self) -> bool:
        """Say whether a loss since the last look is no finite number."""
        recent = [losses[-STEPS_BETWEEN_LOOKS:] for losses in self.progress.losses.values()]
        return any(not_finite(losses) for losses in recent)

    def batches_of(self, corpus: CorpusName) -> list[Chosen]:
        """Cut a corpus into the batches of its next epoch, on the device."""
        lengths = self.train[corpus].split.lengths
        size, pool = self.plan.batch_size[corpus], self.plan.speed.bucket_batches
        batches = shuffled_batches(lengths, size, pool, self.shuffler)
        return on_device(batches, lengths, self.model.device)

    def step(self, corpus: CorpusName, chosen: Chosen) -> Tensor:
        """Update the model on one batch; return its loss, unweighted.

        On a GPU nothing here waits for it: the loss stays there, as the batch has been.

        Raises:
            TrainingError: the batch does not fit into the device's memory.
        """
        examples = self.train[corpus]
        batch = chosen.described(examples.split.corpus)
        with fitting_in_memory(batch, self.model.device, STEP_REMEDY):
            outputs = examples.outputs(self.model, chosen)
            loss = loss_of(examples.split.corpus, outputs, self.labels[corpus][chosen.indices])
            self.optimizer.zero_grad(set_to_none=True)
            (loss * self.weights[corpus]).backward()  # type: ignore[no-untyped-call]
            if self.plan.idle_heads == "step":
                step_idle_too(self.optimizer)
            self.optimizer.step()
        return loss.detach()

    def _look_back(self, done: Sequence[tuple[CorpusName, Chosen]]) -> list[EpochRow]:
        """Tell of an epoch: its losses and gradients, and what the dev sets say if all is well.

        Args:
            done: the batches that were trained on.
        """
        progress, norm = self.progress, gradient_norm(self.optimizer)
        wrong = {corpus: not_finite(losses) for corpus, losses in progress.losses.items()}
        if not any(wrong.values()) and norm is not None and not math.isfinite(norm):
            wrong = dict.fromkeys(wrong, "gradients are not finite")
        rows = []
        for corpus, losses in progress.losses.items():
            row = EpochRow(
                epoch=progress.epoch,
                corpus=corpus,
                steps=len(losses),
                examples=sum(len(chosen.indices) for name, chosen in done if name == corpus),
                train_loss=_finite(float(torch.stack(losses).mean())) if losses else None,
                gradient_norm=_finite(norm),
                dev_metric=self.dev[corpus].split.corpus.task.metric,
                dev_score=None,
                note=wrong[corpus] or "",
            )
            rows.append(row if any(wrong.values()) else self._scored(row))
        if progress.stopped:  # by one corpus's predictions: the epoch is nobody's best
            rows = [replace(row, dev_score=None) for row in rows]
        progress.stopped = next(
            (f"{told}, epoch {progress.epoch} ({name})" for name, told in wrong.items() if told),
            progress.stopped,
        )
        return rows

    def _scored(self, row: EpochRow) -> EpochRow:
        """Add to an epoch what the dev set says, and what is to be said of that."""
        dev = self.dev[row.corpus].split
        predictions = predict(self.model, self.dev[row.corpus], self.plan.dev_batch_size)
        result = score(dev.corpus, predictions, dev.labels)
        if result.reason == NOT_FINITE:
            note = "predictions for the dev set are not finite"
            self.progress.stopped = f"{note}, epoch {row.epoch} ({row.corpus})"
            return replace(row, note=note)
        notes = [
            *growth_notes(self.progress.history, row),
            *dev_notes(dev.corpus, predictions, dev.labels),
        ]
        return replace(row, dev_score=result.value, note="; ".join(notes))

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
