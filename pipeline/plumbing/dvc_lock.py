"""dvc.lock: what each stage was last made from, and what came out.

Only this module reads it; the launcher plans with DVC's own classes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from pipeline.core import paths
from pipeline.core.yaml12 import read_yaml


class Hashed(BaseModel):
    """A file or folder with its hash."""

    path: str
    md5: str


class LockedStage(BaseModel):
    """A stage as it last ran."""

    deps: Sequence[Hashed] = ()
    params: Mapping[str, Mapping[str, Any]] = {}  # by file and key
    outs: Sequence[Hashed] = ()


STAGES = TypeAdapter(dict[str, LockedStage])


def read_lock(path: Path = paths.DVC_LOCK) -> dict[str, LockedStage]:
    """Read all stages by name.

    Raises:
        OSError: the file is missing.
        ValueError: it is damaged.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} has no stages")
    return STAGES.validate_python(content.get("stages"))
