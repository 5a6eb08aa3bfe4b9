"""Reads the record of a stage's time and memory that progress.py writes."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from pipeline.core.record import Record
from pipeline.core.schemas import TIME
from pipeline.errors import SchemaError

LIMIT = 2**63  # keeps products of these values finite
Count = Annotated[int, Field(ge=0, lt=LIMIT)]
Quantity = Annotated[float, Field(ge=0, lt=LIMIT)]


class StageTime(Record):
    """Time and memory of a stage's last run; unknown values are None."""

    SCHEMA = TIME
    model_config = ConfigDict(extra="ignore")  # the record is only a hint
    stage: str
    seconds: Quantity
    peak_memory_bytes: Count | None = None  # main memory, not GPU memory
    device: str | None = None  # this and all fields below are for training only
    threads: Count | None = None
    steps: Count | None = None  # computed within `seconds`
    all_steps: Count | None = None
    examples_per_second: Quantity | None = None  # including the time for scoring the dev sets
    resumed: bool | None = None  # whether it started from an earlier process's checkpoint

    @property
    def whole_seconds(self) -> float | None:
        """Estimate how long a run from scratch takes; None if this resumed run took no steps."""
        if not self.resumed:
            return self.seconds
        return self.seconds * self.all_steps / self.steps if self.steps and self.all_steps else None


def read_time(path: Path) -> StageTime | None:
    """Read the record of a stage; return None if it cannot be read, since it is only a hint."""
    try:
        return StageTime.read(path).model_copy(update={"stage": path.stem})
    except (OSError, ValueError, SchemaError):
        return None
