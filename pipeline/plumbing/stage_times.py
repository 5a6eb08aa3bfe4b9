"""What one stage took when it last ran, as pipeline/plumbing/progress.py wrote it down."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from pipeline.core.files import read_record
from pipeline.core.schemas import TIME
from pipeline.errors import SchemaError

MOST = 2**63  # what is multiplied later, or shown, is then still a finite number
Count = Annotated[int, Field(ge=0, lt=MOST)]
Quantity = Annotated[float, Field(ge=0, lt=MOST, allow_inf_nan=False)]


@dataclass(frozen=True, config={"strict": True})
class StageTime:
    """What one stage took; None is what it does not tell of, or what the machine does not."""

    stage: str
    seconds: Quantity
    peak_memory_bytes: Count | None = None  # of the process, not of a GPU
    processors: Count | None = None  # how many this process may use
    device: str | None = None  # of a training, like all that follows
    threads: Count | None = None
    steps: Count | None = None  # done in these seconds
    all_steps: Count | None = None
    examples_per_second: Quantity | None = None  # scoring of the dev sets included
    resumed: bool | None = None  # from the checkpoint of another process

    @property
    def whole_seconds(self) -> float | None:
        """Estimate the seconds without a checkpoint to go on from; None: it did no step."""
        if not self.resumed:
            return self.seconds
        return self.seconds * self.all_steps / self.steps if self.steps and self.all_steps else None


def read_time(path: Path) -> StageTime | None:
    """Read what a stage took, None where nothing can be read: it is only a hint."""
    try:
        return StageTime(**read_record(path, TIME) | {"stage": path.stem})
    except (OSError, ValueError, SchemaError):  # what pydantic refuses is a ValueError
        return None
