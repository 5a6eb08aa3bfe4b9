"""Where unfinished trainings are kept, and who may train.

`.checkpoints/<run>-<fingerprint>/` lies outside DVC's outs, which DVC deletes before every command.
The fingerprint is of everything a run depends on, so that no run goes on from another's
checkpoint. A checkpoint stays until dvc.lock holds what came of it: a training whose outs DVC could
not take in (killed between the two) is not lost.
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

from pipeline.core import paths
from pipeline.core.files import md5_of, read_record, write_record
from pipeline.core.schemas import FINISHED
from pipeline.errors import SchemaError

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


@contextmanager
def own_checkpoint(run: str, fingerprint: str) -> Iterator[Path]:
    """Lend the folder of a run's checkpoint to this process alone.

    Waits for another process that trains the run in this repository, whatever its settings, since
    both write the same outs; or that trains just the same run for another copy of it.
    """
    folder = checkpoints_root() / f"{run}-{fingerprint}"
    with _locked(paths.CHECKPOINTS / f"{run}.lock", run):
        remove_taken_in()
        _remove_old(folder)
        if not folder.exists() and _folders(re.escape(run)):
            log.info(
                "%s  begins anew: what there is in %s is of other settings, inputs, code or "
                "another machine",
                *(run, folder.parent),
            )
        with _locked(folder / "lock", run):
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


def mark_finished(folder: Path, out: Path) -> None:
    """Note an out that came of a checkpoint, by the name it has in dvc.lock."""
    write_record(folder / "finished.json", FINISHED, {"dvc_name": md5_of(out)})


def remove_taken_in() -> None:
    """Remove the checkpoints whose outs DVC has in its lock file.

    Whoever trains such a run all the same, with `dvc repro -f`, wants it trained from the start.
    """
    locked = paths.DVC_LOCK.read_text(encoding="utf-8") if paths.DVC_LOCK.is_file() else ""
    for folder in _folders():
        try:
            name = str(read_record(folder / "finished.json", FINISHED)["dvc_name"])
        except (OSError, ValueError, KeyError, SchemaError):
            continue  # not finished, or of another version
        if name in locked:
            _remove(folder)


def _remove_old(own: Path) -> None:
    """Remove all checkpoints but one's own that nobody has gone on with for a week."""
    for folder in _folders():
        is_old = time.time() - folder.stat().st_mtime > KEEP_SECONDS
        if is_old and folder.name != own.name:
            _remove(folder)


def _folders(runs: str = "[a-z0-9-]+") -> list[Path]:
    """Return the checkpoints of runs whose names match a pattern."""
    root, name = checkpoints_root(), re.compile(rf"{runs}-[0-9a-f]{{{NUM_DIGITS}}}")
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if name.fullmatch(path.name) and path.is_dir())


def _remove(folder: Path) -> None:
    """Remove a checkpoint, unless a process holds it."""
    try:
        with FileLock(folder / "lock", blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return
    log.info("removed %s", folder)
