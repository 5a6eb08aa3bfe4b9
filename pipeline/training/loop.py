"""The trainer: one loop for single-task and multi-task runs, frozen and finetuned.

A single-task run is a round robin of one corpus (Equation 1 with nothing to share).
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.batches import Chosen, num_batches, on_device, shuffled_batches
from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import score
from pipeline.evaluation.predict import Examples, predict
from pipeline.model.heads import loss_of
from pipeline.model.multitask import MultitaskBert
from pipeline.params import OptimizerParams, TrainingSpeedParams
from pipeline.tasks import CorpusName
from pipeline.training.history import EpochRow, mean_score
from pipeline.training.optimizer import new_optimizer
from pipeline.training.round_robin import loss_weights, round_robin
from pipeline.training.trimmed_embedding import restore, trim

log = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model is set to its best epoch."""

    history: list[EpochRow]
    best_epoch: int


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

    def fit(self, name: str) -> Trained:
        """Train to the last epoch, and set the model back to the one with the best dev score.

        Args:
            name: of the run, for the progress lines.

        Raises:
            TrainingError: the loss is no longer a finite number.
        """
        history: list[EpochRow] = []
        best_epoch, best_score, best_state = 0, -np.inf, self._state()
        started = time.monotonic()
        for epoch in range(1, self.plan.epochs + 1):
            rows = self._epoch(epoch)
            history += rows
            if mean_score(rows) > best_score:
                best_epoch, best_score, best_state = epoch, mean_score(rows), self._state()
            self._report(name, rows, time.monotonic() - started)
        self.model.load_state_dict(best_state)
        if self.model.backbone is not None:
            restore(self.model.backbone)
        return Trained(history, best_epoch)

    def _trim_vocabulary(self) -> None:
        """Train the word embeddings that occur, where that is exact."""
        if self.model.backbone is None or not self.plan.speed.trim_vocabulary:
            return
        if self.plan.optimizer.weight_decay:
            log.info("weight decay moves every word embedding: the whole vocabulary is trained")
            return
        splits = [*self.train.values(), *self.dev.values()]
        trim(self.model.backbone, [examples.split.input_ids for examples in splits])

    def _epoch(self, epoch: int) -> list[EpochRow]:
        """Go through every round once, then score the dev sets."""
        self.model.train()
        losses: dict[CorpusName, list[Tensor]] = {corpus: [] for corpus in self.train}
        num_examples = dict.fromkeys(self.train, 0)
        batches = {corpus: iter(self.batches_of(corpus)) for corpus in self.train}
        for corpus in round_robin(self.num_batches):
            chosen = next(batches[corpus])
            losses[corpus].append(self.step(corpus, chosen))
            num_examples[corpus] += len(chosen.indices)
        return [
            self._row(epoch, corpus, losses[corpus], num_examples[corpus]) for corpus in self.train
        ]

    def batches_of(self, corpus: CorpusName) -> list[Chosen]:
        """Cut a corpus into the batches of its next epoch, on the device."""
        lengths = self.train[corpus].split.lengths
        size, pool = self.plan.batch_size[corpus], self.plan.speed.bucket_batches
        batches = shuffled_batches(lengths, size, pool, self.shuffler)
        return on_device(batches, lengths, self.model.device)

    def step(self, corpus: CorpusName, chosen: Chosen) -> Tensor:
        """Update the model on one batch; return its loss, unweighted.

        On a GPU nothing here waits for it: the loss stays there, as the batch has been.
        """
        examples = self.train[corpus]
        outputs = examples.outputs(self.model, chosen)
        loss = loss_of(examples.split.corpus, outputs, self.labels[corpus][chosen.indices])
        self.optimizer.zero_grad(set_to_none=True)
        (loss * self.weights[corpus]).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def _row(
        self, epoch: int, corpus: CorpusName, losses: list[Tensor], num_examples: int
    ) -> EpochRow:
        train_loss = float(torch.stack(losses).mean())
        if not np.isfinite(train_loss):
            raise TrainingError(
                f"the loss on {corpus} is {train_loss} in epoch {epoch}; lower the run's "
                "learning_rate in params.yaml"
            )
        dev = self.dev[corpus]
        predictions = predict(self.model, dev, self.plan.dev_batch_size)
        result = score(dev.split.corpus, predictions, dev.split.labels)
        metric = dev.split.corpus.task.metric
        return EpochRow(epoch, corpus, len(losses), num_examples, train_loss, metric, result.value)

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def _report(self, name: str, rows: list[EpochRow], seconds: float) -> None:
        epoch, last = rows[0].epoch, self.plan.epochs
        rate = epoch * sum(row.steps for row in rows) / seconds
        log.info(
            "%s  epoch %d/%d  %s  %.1f steps/s  %s left",
            name,
            epoch,
            last,
            "  ".join(_told(row) for row in rows),
            rate,
            _duration(seconds / epoch * (last - epoch)),
        )


def _told(row: EpochRow) -> str:
    told = "undefined" if row.dev_score is None else f"{row.dev_score:.3f}"
    return f"{row.corpus} loss {row.train_loss:.3f} dev {told}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
