"""The record of the time and memory of a stage's last run, which progress.py writes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.core.record import Record
from pipeline.core.schemas import TIME
from pipeline.errors import SchemaError

MOST = 2**63  # keeps products of these values finite
Count = Annotated[int, Field(ge=0, lt=MOST)]
Quantity = Annotated[float, Field(ge=0, lt=MOST)]


class StageTime(Record):
    """Time and memory of a stage's last run; None if unknown."""

    SCHEMA = TIME
    stage: str
    seconds: Quantity
    peak_memory_bytes: Count | None = None  # of the process, not of a GPU
    processors: Count | None = None  # that this process may use
    device: str | None = None  # this and the following: only for training
    threads: Count | None = None
    steps: Count | None = None  # taken in these seconds
    all_steps: Count | None = None
    examples_per_second: Quantity | None = None  # including the scoring of dev sets
    resumed: bool | None = None  # from the checkpoint of another process

    @property
    def whole_seconds(self) -> float | None:
        """Estimate the seconds of a run without a checkpoint; None if it took no step."""
        if not self.resumed:
            return self.seconds
        return self.seconds * self.all_steps / self.steps if self.steps and self.all_steps else None


def read_time(path: Path) -> StageTime | None:
    """Read the record of a stage, or None if it cannot be read: it is only a hint."""
    try:
        return StageTime.read(path).model_copy(update={"stage": path.stem})
    except (OSError, ValueError, SchemaError):
        return None
