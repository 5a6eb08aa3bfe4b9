"""Reads dvc.lock, which records the deps, params and outs of each stage's last run.

Only this module parses the file itself; the launcher's plans use DVC's own classes.
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
    """The deps, params and outs of a stage's last run."""

    deps: Sequence[Hashed] = ()
    params: Mapping[str, Mapping[str, Any]] = {}  # values by file, then by key
    outs: Sequence[Hashed] = ()


STAGES = TypeAdapter(dict[str, LockedStage])


def read_lock(path: Path = paths.DVC_LOCK) -> dict[str, LockedStage]:
    """Return all stages, keyed by name.

    Raises:
        OSError: the file is missing.
        ValueError: the file is damaged.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} has no stages")
    return STAGES.validate_python(content.get("stages"))
