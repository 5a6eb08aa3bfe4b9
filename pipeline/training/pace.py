"""How fast a training goes, told after each epoch."""

import logging
import time
from collections.abc import Sequence

from pipeline.training.history import EpochRow

log = logging.getLogger(__name__)


class Pace:
    """Counts the steps of this process, and tells what is left."""

    def __init__(self, run: str, epochs: int) -> None:
        self.run = run
        self.epochs = epochs
        self.steps = 0
        self.started = time.monotonic()

    def tell(self, rows: Sequence[EpochRow]) -> None:
        """Log one line on an epoch."""
        seconds = time.monotonic() - self.started
        epoch = rows[0].epoch
        told = "  ".join(_told(row) for row in rows)
        if self.steps:  # none where a resumed training had only to be scored
            left = (self.epochs - epoch) * sum(row.steps for row in rows)
            rest = _duration(left * seconds / self.steps)
            told += f"  {self.steps / seconds:.1f} steps/s  {rest} left"
        log.info("%s  epoch %d/%d  %s", self.run, epoch, self.epochs, told)


def _told(row: EpochRow) -> str:
    loss = "undefined" if row.train_loss is None else f"{row.train_loss:.3f}"
    dev = "undefined" if row.dev_score is None else f"{row.dev_score:.3f}"
    return f"{row.corpus} loss {loss} dev {dev}{f' ({row.note})' if row.note else ''}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
