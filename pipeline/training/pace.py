"""How far a training is and how fast it goes, told while it trains.

Only what the processor knows anyway is counted: nothing here waits for a GPU.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.training.history import EpochRow

log = logging.getLogger(__name__)

LIVE_SECONDS = 0.25  # between two debug records, which a terminal shows as one live line


class Pace:
    """Counts the steps of this process, and tells what is left."""

    def __init__(self, run: str, epochs: int, steps_per_epoch: int, done: int) -> None:
        """Begin to count.

        Args:
            run: its name.
            epochs: of the whole training.
            steps_per_epoch: of all its corpora.
            done: steps that another process did before.
        """
        self.run = run
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.done = done
        self.steps = 0
        self.examples = 0
        self.dev = ""  # what the dev sets said last
        self.started = self.shown = time.monotonic()

    def step(self, examples: int) -> None:
        """Count a step; a few times a second, tell where it is."""
        self.steps += 1
        self.examples += examples
        now = time.monotonic()
        if now - self.shown >= LIVE_SECONDS:
            self.shown = now
            self._show()

    def scoring(self) -> None:
        """Tell that an epoch's steps are done."""
        log.debug("%s  scores the dev sets", self.run)

    def tell(self, rows: Sequence[EpochRow]) -> None:
        """Log one line on an epoch."""
        self.dev = " ".join(_dev_told(row) for row in rows)
        told = "  ".join(_told(row) for row in rows)
        epoch, left = rows[0].epoch, self._left_seconds()
        log.info(
            *("%s  epoch %d/%d  %s%s", self.run, epoch, self.epochs, told, self._rest(left)),
            extra={"left_seconds": left},
        )

    def finish(self, machine: Mapping[str, Any]) -> None:
        """Log what this process did, with facts for those who keep its time."""
        seconds = time.monotonic() - self.started
        rate = self.examples / seconds if self.steps and seconds else None
        facts = {
            "steps": self.steps,
            "all_steps": self.epochs * self.steps_per_epoch,
            "examples_per_second": None if rate is None else round(rate, 1),
            "resumed": self.done > 0,
        }
        told = "" if rate is None else f", dev sets scored between: {rate:.0f} examples/s"
        log.info(
            *("%s  %d steps in %s%s", self.run, self.steps, _duration(seconds), told),
            extra={"facts": facts | dict(machine)},
        )

    def _show(self) -> None:
        """Tell where the training is, for the eyes of the moment."""
        epoch, step = divmod(self.done + self.steps - 1, self.steps_per_epoch)  # from 0
        told = f"step {step + 1}/{self.steps_per_epoch}"
        if self.dev:
            told += f"  {self.dev}"
        left = self._left_seconds()
        log.debug(
            *("%s  epoch %d/%d  %s%s", self.run, epoch + 1, self.epochs, told, self._rest(left)),
            extra={"left_seconds": left},
        )

    def _left_seconds(self) -> float | None:
        """Estimate the rest of the training; not where no step was done, or in no time."""
        seconds = time.monotonic() - self.started
        if not (self.steps and seconds):
            return None
        left = self.epochs * self.steps_per_epoch - self.done - self.steps
        return left * seconds / self.steps

    def _rest(self, left_seconds: float | None) -> str:
        """Say the rate of steps, scores included, and what is left."""
        if left_seconds is None:
            return ""
        rate = self.steps / (time.monotonic() - self.started)
        return f"  {rate:.1f} steps/s  {_duration(left_seconds)} left"


def _told(row: EpochRow) -> str:
    loss = "undefined" if row.train_loss is None else f"{row.train_loss:.3f}"
    return f"{row.corpus} loss {loss} dev {_score(row)}{f' ({row.note})' if row.note else ''}"


def _dev_told(row: EpochRow) -> str:
    return f"{row.corpus} dev {_score(row)}"


def _score(row: EpochRow) -> str:
    return "undefined" if row.dev_score is None else f"{row.dev_score:.3f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
