"""Where unfinished trainings are kept, and who may train.

`.checkpoints/<run>-<fingerprint>/` lies outside DVC's outs, which DVC deletes before every command.
The fingerprint is of everything a run depends on, so that no run goes on from another's
checkpoint. A checkpoint stays until what came of it is scored: a training whose outs DVC could not
take in (killed between the two) is not lost.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline import paths
from pipeline.errors import SchemaError
from pipeline.files import md5_of, read_record, sha256_of, write_record
from pipeline.schemas import FINISHED

log = logging.getLogger(__name__)

ROOT_VARIABLE = "MINBERT_CHECKPOINTS"
KEEP_SECONDS = 7 * 24 * 3600.0  # of a checkpoint of other settings
NUM_DIGITS = 16  # of a fingerprint


def checkpoints_root() -> Path:
    """Return where checkpoints are: `MINBERT_CHECKPOINTS`, or `.checkpoints` of the repository.

    DVC runs an experiment in a temporary copy of the repository and throws that away; DVC_ROOT
    names the repository itself.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("DVC_ROOT") or ".") / paths.CHECKPOINTS


def fingerprint_of(everything: Mapping[str, Any]) -> str:
    """Return 16 hex digits that stand for all that a run depends on, given as JSON can hold it."""
    text = json.dumps(everything, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:NUM_DIGITS]


def checkpoint_folder(run: str, fingerprint: str) -> Path:
    """Return the folder of a run's checkpoint."""
    return checkpoints_root() / f"{run}-{fingerprint}"


@contextmanager
def own_checkpoint(run: str, fingerprint: str) -> Iterator[Path]:
    """Lend the folder of a run's checkpoint to this process alone.

    Waits for another process that trains the run in this repository, whatever its settings, since
    both write the same outs; or that trains just the same run for another copy of it.
    """
    folder = checkpoint_folder(run, fingerprint)
    with (
        _locked(paths.CHECKPOINTS / f"{run}.lock", run),
        _locked(folder / "lock", run),
    ):
        _remove_old(folder)
        _remove_taken_in(folder)
        yield folder


@contextmanager
def _locked(path: Path, run: str) -> Iterator[None]:
    """Hold a lock file, waiting as long as another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info("%s is being trained by another process; waiting for it (%s)", run, path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def mark_finished(folder: Path, weights: Path) -> None:
    """Note which weights came of a checkpoint, so that it can go once they are scored."""
    record = {"weights": sha256_of(weights), "dvc_name": md5_of(weights)}
    write_record(folder / "finished.json", FINISHED, record)


def _remove_taken_in(folder: Path) -> None:
    """Empty a checkpoint whose weights DVC has in its lock file.

    Whoever trains the run all the same, with `dvc repro -f`, wants it trained and not told again.
    """
    try:
        name = read_record(folder / "finished.json", FINISHED)["dvc_name"]
        if str(name) not in paths.DVC_LOCK.read_text(encoding="utf-8"):
            return
    except (OSError, ValueError, KeyError, SchemaError):
        return  # not finished, or nothing is locked
    for path in folder.iterdir():
        if path.name != "lock":
            path.unlink()


def forget_finished(run: str, weights: Path) -> None:
    """Remove the checkpoint that these weights of a run came of, if there is one."""
    wanted = None
    for folder in _folders_of(re.escape(run)):
        try:
            record = read_record(folder / "finished.json", FINISHED)
        except (OSError, ValueError, SchemaError):
            continue  # not finished, or not by us
        wanted = wanted or sha256_of(weights)
        if record.get("weights") == wanted:
            _remove(folder)


def others_of(run: str, folder: Path) -> list[Path]:
    """Return the checkpoints of a run with other settings than those of `folder`."""
    return [other for other in _folders_of(re.escape(run)) if other.name != folder.name]


def _folders_of(runs: str) -> list[Path]:
    """Return the folders of runs whose names match a pattern."""
    root, name = checkpoints_root(), re.compile(rf"{runs}-[0-9a-f]{{{NUM_DIGITS}}}")
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if name.fullmatch(path.name) and path.is_dir())


def _remove_old(folder: Path) -> None:
    """Remove the checkpoints of any run that nobody has gone on with for a week."""
    for other in _folders_of(r"[a-z0-9-]+"):
        is_old = time.time() - other.stat().st_mtime > KEEP_SECONDS
        if is_old and other.name != folder.name:
            _remove(other)


def _remove(folder: Path) -> None:
    """Remove a checkpoint, unless a process holds it."""
    try:
        with FileLock(folder / "lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return
    log.info("removed %s", folder)
