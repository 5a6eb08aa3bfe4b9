"""Logs the progress and speed of a training run. Nothing here waits for a GPU."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from pipeline.training.history import EpochRow

log = logging.getLogger(__name__)

LIVE_SECONDS = 0.25  # between two debug messages, which a terminal shows as one live line


class Pace:
    """Counts the steps of this process and estimates the time left."""

    def __init__(self, run: str, epochs: int, steps_per_epoch: int, done: int) -> None:
        """Start counting.

        Args:
            run: the name of the run.
            epochs: number of epochs of the whole training.
            steps_per_epoch: number of steps per epoch, over all corpora.
            done: number of steps that earlier processes took.
        """
        self.run = run
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.done = done
        self.steps = 0
        self.examples = 0
        self.dev = ""  # the last dev scores
        self.started = self.shown = time.monotonic()

    def step(self, examples: int) -> None:
        """Count a step, and log the position a few times a second."""
        self.steps += 1
        self.examples += examples
        now = time.monotonic()
        if now - self.shown >= LIVE_SECONDS:
            self.shown = now
            epoch, step = divmod(self.done + self.steps - 1, self.steps_per_epoch)  # from 0
            position = f"step {step + 1}/{self.steps_per_epoch}"
            self._log(logging.DEBUG, epoch + 1, "  ".join(filter(None, [position, self.dev])))

    def scoring(self) -> None:
        """Log that scoring begins after the last step of an epoch."""
        log.debug("%s  scoring the dev sets", self.run)

    def epoch(self, rows: Sequence[EpochRow]) -> None:
        """Log one line about an epoch."""
        dev = [f"dev {_number(row.dev_score)}" for row in rows]
        self.dev = " ".join(f"{row.corpus} {score}" for row, score in zip(rows, dev, strict=True))
        parts = [
            f"{row.corpus} loss {_number(row.train_loss)} {score}"
            + (f" ({row.note})" if row.note else "")
            for row, score in zip(rows, dev, strict=True)
        ]
        self._log(logging.INFO, rows[0].epoch, "  ".join(parts))

    def finish(self) -> dict[str, Any]:
        """Log what this process did, and return it for the time record of the stage."""
        seconds = time.monotonic() - self.started
        rate = self.examples / seconds if self.steps and seconds else None
        speed = "" if rate is None else f", {rate:.0f} examples/s including dev scoring"
        log.info("%s  %d steps in %s%s", self.run, self.steps, _duration(seconds), speed)
        return {
            "steps": self.steps,
            "all_steps": self.epochs * self.steps_per_epoch,
            "examples_per_second": None if rate is None else round(rate, 1),
            "resumed": self.done > 0,
        }

    def _log(self, level: int, epoch: int, text: str) -> None:
        """Log the position, the steps per second (scoring included) and the time left."""
        seconds, left = time.monotonic() - self.started, None
        if self.steps and seconds:
            rate = self.steps / seconds
            left = (self.epochs * self.steps_per_epoch - self.done - self.steps) / rate
            text += f"  {rate:.1f} steps/s  {_duration(left)} left"
        log.log(
            *(level, "%s  epoch %d/%d  %s", self.run, epoch, self.epochs, text),
            extra={"left_seconds": left},
        )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
