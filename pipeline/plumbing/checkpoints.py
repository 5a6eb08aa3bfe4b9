"""Checkpoint folders, and the locks that let only one process at a time train a run.

`.checkpoints/<run>-<fingerprint>/` is not a DVC out, because DVC deletes outs before it runs a
command. The fingerprint covers everything the run depends on, so a run never resumes from the
checkpoint of a different one. A checkpoint is kept until dvc.lock contains its result, so nothing
is lost if DVC is killed after training but before it saves the outs.
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
KEEP_SECONDS = 7 * 24 * 3600.0  # when to remove an unused checkpoint with other settings
NUM_DIGITS = 16  # hex digits of a fingerprint


class Finished(Record):
    """The content of finished.json: the md5, as in dvc.lock, of the out made from a checkpoint."""

    SCHEMA = FINISHED
    dvc_name: str


def checkpoints_root() -> Path:
    """Return the folder for checkpoints: `MINBERT_CHECKPOINTS`, or the repository's `.checkpoints`.

    DVC runs an experiment in a temporary copy of the repository and then deletes the copy. DVC_ROOT
    always names the repository itself.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("DVC_ROOT") or ".") / paths.CHECKPOINTS


def fingerprint_of(everything: Mapping[str, Any]) -> str:
    """Hash the JSON values that a run depends on; return 16 hex digits."""
    text = json.dumps(everything, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:NUM_DIGITS]


@contextmanager
def own_checkpoint(run: str, fingerprint: str) -> Iterator[Path]:
    """Give this process exclusive use of a run's checkpoint folder.

    Wait while another process trains this run in this repository, even with different settings,
    because both write the same outs, or trains the same run in another copy of the repository.
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
    """Acquire a file lock; wait while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        log.info("%s is being trained by another process; waiting for it (%s)", run, path)
        return lock.acquire()


def mark_finished(folder: Path, out: Path) -> None:
    """Record the md5, as in dvc.lock, of the out that was made from a checkpoint."""
    Finished(dvc_name=md5_of(out)).write(folder / "finished.json")


def remove_finished() -> None:
    """Remove the checkpoints whose outs are in dvc.lock.

    This makes `dvc repro -f` train such a run from the start.
    """
    finished: dict[Path, str] = {}
    for folder in _folders():
        with suppress(OSError, ValueError, SchemaError):  # unfinished, or from another version
            finished[folder] = Finished.read(folder / "finished.json").dvc_name
    if not finished:
        return
    try:
        locked = {out.md5 for stage in read_lock().values() for out in stage.outs}
    except (OSError, ValueError):  # dvc.lock is missing or being written
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
    """Remove a checkpoint unless a process is using it."""
    try:
        with FileLock(folder / "lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return
    log.info("removed %s", folder)
