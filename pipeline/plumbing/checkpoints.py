"""The folders of checkpoints, and the locks that let only one process train a run.

`.checkpoints/<run>-<fingerprint>/` is not an out of DVC, because DVC deletes outs before it runs a
command. The fingerprint covers everything the run depends on, so a run never continues from the
checkpoint of a different one. A checkpoint is kept until dvc.lock contains its result: nothing is
lost if DVC is killed after the training and before it saves the outs.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.core import paths
from pipeline.core.files import md5_of
from pipeline.core.record import Record
from pipeline.core.schemas import FINISHED
from pipeline.errors import SchemaError
from pipeline.plumbing.dvc_lock import read_lock

log = logging.getLogger(__name__)

ROOT_VARIABLE = "MINBERT_CHECKPOINTS"
KEEP_SECONDS = 7 * 24 * 3600.0  # after its last use, for a checkpoint with other settings
NUM_DIGITS = 16  # of a fingerprint


class Finished(Record):
    """finished.json: the out that a checkpoint led to, by its md5 in dvc.lock."""

    SCHEMA = FINISHED
    dvc_name: str


def checkpoints_root() -> Path:
    """Return the folder for checkpoints: `MINBERT_CHECKPOINTS`, or the repository's `.checkpoints`.

    DVC runs an experiment in a temporary copy of the repository and then deletes the copy; DVC_ROOT
    is the repository itself.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("DVC_ROOT") or ".") / paths.CHECKPOINTS


def fingerprint_of(everything: Mapping[str, Any]) -> str:
    """Return a hash, as 16 hex digits, of the JSON values that a run depends on."""
    text = json.dumps(everything, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:NUM_DIGITS]


@contextmanager
def own_checkpoint(run: str, fingerprint: str) -> Iterator[Path]:
    """Give this process exclusive use of a run's checkpoint folder.

    Waits for a process that trains the run in this repository, even with different settings,
    because both write the same outs, and for one that trains the same run for another copy.
    """
    folder = checkpoints_root() / f"{run}-{fingerprint}"
    with _locked(paths.CHECKPOINTS / f"{run}.lock", run):
        remove_finished()
        for other in _folders():
            if time.time() - other.stat().st_mtime > KEEP_SECONDS and other.name != folder.name:
                _remove(other)
        if not folder.exists() and _folders(re.escape(run)):
            log.info(
                "%s  starts again: the checkpoints in %s come from different settings, inputs, "
                "code or a different machine",
                *(run, folder.parent),
            )
        with _locked(folder / "lock", run):
            yield folder


def _locked(path: Path, run: str) -> AbstractContextManager[Any]:
    """Take a lock file; wait while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        log.info("%s is being trained by another process; waiting for it (%s)", run, path)
        return lock.acquire()


def mark_finished(folder: Path, out: Path) -> None:
    """Record the out that a checkpoint led to, by its md5 in dvc.lock."""
    Finished(dvc_name=md5_of(out)).write(folder / "finished.json")


def remove_finished() -> None:
    """Remove the checkpoints whose outs are in dvc.lock.

    `dvc repro -f` on such a run is meant to train it from the start.
    """
    finished: dict[Path, str] = {}
    for folder in _folders():
        with suppress(OSError, ValueError, SchemaError):  # not finished, or of another version
            finished[folder] = Finished.read(folder / "finished.json").dvc_name
    if not finished:
        return
    try:
        locked = {out.md5 for stage in read_lock().values() for out in stage.outs}
    except (OSError, ValueError):  # none yet, or being written
        return
    for folder, name in finished.items():
        if name in locked:
            _remove(folder)


def _folders(runs: str = "[a-z0-9-]+") -> list[Path]:
    """Return the checkpoint folders of the runs whose names match a pattern."""
    root, name = checkpoints_root(), re.compile(rf"{runs}-[0-9a-f]{{{NUM_DIGITS}}}")
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if name.fullmatch(path.name) and path.is_dir())


def _remove(folder: Path) -> None:
    """Remove a checkpoint, unless a process uses it."""
    try:
        with FileLock(folder / "lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return
    log.info("removed %s", folder)
