"""Runs DVC but waits for locks and reports them: `python -m pipeline.launch.announcing repro ...`.

DVC itself either gives up after three seconds and loses the result of a stage, or waits forever
without a message. With `core.hardlink_lock`, a lock outlives a holder that is killed, and only a
person can tell that it is stale.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any

import psutil
from dvc import cli
from dvc.lock import HardlinkLock, Lock, LockError
from dvc.ui import ui

from pipeline.launch.environment import use_own_index


def wait_for_locks(say: Callable[[str], None], is_stopped: Callable[[], bool]) -> None:
    """Make DVC, in this process, wait for every lock until it is told to stop.

    Args:
        say: called with a description of a lock if one holder keeps it for long.
        is_stopped: called every three seconds while DVC waits; if True, DVC is interrupted.
    """
    use_own_index()
    sys.argv[0] = "dvc"  # DVC shows this name to processes that wait for its files

    def patient(lock: Any, acquire: Callable[..., None], *given: Any) -> None:
        before = said = None  # when the lock was taken, at the last try and in the last report
        while True:
            try:
                return acquire(lock, *given)
            except LockError:
                now = _taken(lock)
            if is_stopped():
                raise KeyboardInterrupt
            if now == before != said:
                say(_described(lock))
                said = now
            before = now

    for kind in (Lock, HardlinkLock):
        kind.lock = partialmethod(patient, kind.lock)


def _taken(lock: Any) -> float | None:
    """Return when a lock was taken, in seconds since the epoch; None if that cannot be read."""
    try:
        return Path(lock.lockfile).stat().st_ctime  # the mtime of a hard link is its expiry time
    except OSError:
        return None


def _described(lock: Any) -> str:
    """Describe a lock: its file, its holder, when it was taken, and what to do about it."""
    path = os.path.relpath(lock.lockfile)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_taken(lock)))
    if isinstance(lock, HardlinkLock):
        return (
            f"{path}: taken at {since}, by a DVC that it does not name; if none is at work in "
            f"this folder, on this machine or another, nobody will release it: remove {path}"
        )
    try:
        number = Path(path).read_text().strip()
        command = " ".join(psutil.Process(int(number)).cmdline())
        holder = f"process {number} ({' '.join(command.split())})"  # one line
    except (OSError, ValueError):
        holder = "another DVC"
    except psutil.Error:
        holder = f"process {number}, of another machine or container,"
    return f"{path}: {holder} has held it since {since}"


if __name__ == "__main__":
    wait_for_locks(lambda what: ui.error_write(f"waiting for {what}"), is_stopped=lambda: False)
    sys.exit(cli.main(sys.argv[1:]))
