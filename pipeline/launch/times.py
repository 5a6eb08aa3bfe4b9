"""What stages took when they last ran, as they wrote it down themselves (stages/progress.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline import paths
from pipeline.errors import SchemaError
from pipeline.files import read_record
from pipeline.schemas import TIME


@dataclass(frozen=True)
class StageTime:
    """What one stage took; None is what it does not tell of, or what the machine does not."""

    stage: str
    seconds: float
    peak_memory_bytes: int | None  # of the process, not of a GPU
    processors: int | None  # how many this process may use
    device: str | None  # of a training, like all that follows
    threads: int | None
    steps: int | None  # done in these seconds
    all_steps: int | None
    examples_per_second: float | None  # trained on, the time of scoring the dev sets included
    resumed: bool | None  # from the checkpoint of another process

    @property
    def whole_seconds(self) -> float | None:
        """Estimate the seconds without a checkpoint to go on from; None: it did no step."""
        if not self.resumed:
            return self.seconds
        return self.seconds * self.all_steps / self.steps if self.steps and self.all_steps else None


def load_times(profile: str) -> dict[str, StageTime]:
    """Return what the stages of a profile took, by name, in the order of dvc.yaml.

    A record that cannot be read is left out; if dvc.yaml cannot, they are in the order of names.
    """
    order = _order()
    times = {}
    for path in sorted(paths.times_dir(profile).glob("*.json"), key=lambda p: _place(p, order)):
        try:
            times[path.stem] = _read(path)
        except (OSError, ValueError, TypeError, SchemaError):
            continue  # it is only a hint
    return times


def _read(path: Path) -> StageTime:
    record = read_record(path, TIME)
    values: dict[str, Any] = {field.name: record.get(field.name) for field in fields(StageTime)}
    return StageTime(**values | {"stage": path.stem, "seconds": float(values["seconds"])})


def _place(path: Path, order: Sequence[str]) -> tuple[int, str]:
    """Return what to sort a record by: its stage's place, then its name."""
    group = path.stem.partition("@")[0]
    return (order.index(group) if group in order else len(order), path.stem)


def _order() -> list[str]:
    """Return the groups of dvc.yaml; none if it cannot be read, of which DVC itself tells."""
    try:
        return list(YAML(typ="safe").load(paths.DVC_YAML)["stages"])
    except (OSError, ValueError, TypeError, KeyError, YAMLError):
        return []


def last_seconds(times: Mapping[str, StageTime]) -> dict[str, float]:
    """Return what each stage is likely to take again, where that is known."""
    known = {name: time.whole_seconds for name, time in times.items()}
    return {name: seconds for name, seconds in known.items() if seconds is not None}


def duration(seconds: float) -> str:
    """Say how long something takes, in two units at most."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_of_hour:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
