"""DVC that says which lock it waits for: `python -m pipeline.launch.announcing repro ...`.

DVC itself waits in silence where stderr is no terminal, and with `--wait-for-lock` for ever. A lock
of `core.hardlink_lock` stays when its holder is killed; only a person can tell, and remove it.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import psutil
from dvc import cli
from dvc.lock import HardlinkLock, Lock, LockError
from dvc.ui import ui

from pipeline.launch.environment import use_own_index
from pipeline.launch.job import STOP, UNABLE, WAITING

PATIENCE_SECONDS = 5.0  # with one holder of a lock


def main(argv: Sequence[str]) -> int:
    """Run DVC; return its exit status. The signal STOP ends it while it waits, and only then."""
    waits: list[Any] = []

    def stop(*_: object) -> None:
        if waits:
            raise KeyboardInterrupt

    signal.signal(STOP, stop)
    for kind in (Lock, HardlinkLock):
        kind.lock = _announced(kind.lock, waits)
    use_own_index()
    sys.argv[0] = "dvc"  # as DVC names itself to others that want the same files
    return int(cli.main(list(argv)))


def _announced(acquire: Callable[..., None], waits: list[Any]) -> Callable[..., None]:
    """Return a way to acquire a lock that says what it waits for; `waits` holds it meanwhile."""

    @wraps(acquire)
    def announced(lock: Any, *given: Any) -> None:
        is_over = threading.Event()
        threading.Thread(target=_announce, args=(lock, is_over), daemon=True).start()
        waits.append(lock)
        try:
            acquire(lock, *given)
        except LockError:
            raise LockError(f"{UNABLE} {_described(lock)}") from None
        finally:
            waits.remove(lock)
            is_over.set()

    return announced


def _announce(lock: Any, is_over: threading.Event) -> None:
    """Say what is waited for, once for each holder that keeps the lock for long."""
    told, before = None, _taken(lock)
    while not is_over.wait(PATIENCE_SECONDS):
        now = _taken(lock)
        if now == before and now != told:
            ui.error_write(f"{WAITING} {_described(lock)}")
            told = now
        before = now


def _taken(lock: Any) -> float | None:
    """Return when a lock was taken, in seconds since the epoch; None if that cannot be read."""
    try:
        return Path(lock.lockfile).stat().st_ctime  # of a hard link, mtime is when it expires
    except OSError:
        return None


def _described(lock: Any) -> str:
    """Say which lock it is, since when somebody holds it, who, and what can be done."""
    path = os.path.relpath(lock.lockfile)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_taken(lock)))
    if isinstance(lock, HardlinkLock):
        return (
            f"{path}: taken at {since}, by a DVC that it does not name; if none is at work in "
            f"this folder, on this machine or another, nobody will release it: remove {path}"
        )
    return f"{path}: {_holder(Path(path))} has held it since {since}"


def _holder(path: Path) -> str:
    """Return the process that wrote its number into a lock file."""
    try:
        number = path.read_text().strip()
        command = " ".join(psutil.Process(int(number)).cmdline())
        return f"process {number} ({' '.join(command.split())})"  # one line
    except (OSError, ValueError):
        return "another DVC"
    except psutil.Error:
        return f"process {number}, of another machine or container,"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
