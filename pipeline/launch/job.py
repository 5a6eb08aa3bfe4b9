"""Runs one stage with DVC in its own process, so that several stages can run in parallel.

`dvc repro --single-item` locks only the files of the stage. If another DVC process holds them, it
fails; the job then reports what it waits for and retries. When the process that started the job
ends, the job stops its stage, which writes a checkpoint, and exits too.
"""

import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from pipeline.core import paths

PARENT_VARIABLE = "MINBERT_PARENT"  # id of the process that started the job
WAITING = "waiting for"  # prefix of a line about a lock
# prefixes of lines that DVC prints for every stage, or after a stage fails
CHATTER = (
    *("Running stage", "> ", "Generating lock", "Updating lock", "To track", "\tgit add"),
    *("To enable", "\tdvc config", "Use `dvc push`", "ERROR: failed to reproduce"),
)
BUSY_SECONDS = 2.0  # delay before DVC is retried
WATCH_SECONDS = 0.5
STOP_SECONDS = 300.0  # enough for training to finish a step and write its checkpoint
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Job:
    """A stage that DVC runs in this process and that can be stopped."""

    def __init__(self, stage: str) -> None:
        """Create a job for a stage without starting it."""
        self.stage = stage
        self.log = paths.stage_log(stage)  # the output of the stage and of DVC
        self.stops = 0  # number of requests to stop
        self.parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
        self._stopping = threading.Lock()
        self._busy = ""  # DVC's error about files that another process held
        self._said: set[str] = set()
        self._signalled: set[tuple[int, int]] = set()  # process id and signal

    def run(self) -> int:
        """Run the stage to the end, however long it must wait; return the exit status."""
        self._stderr = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(log.fileno(), stream.fileno())
        logging.root.handlers.clear()  # DVC installs its own
        with on_signals(self._note):
            threading.Thread(target=self._watch, daemon=True).start()
            status = self._run_dvc()
            self._stopping.acquire()  # waits for `_stop`: the stage must end before this process
        if self.stops:
            return 128 + signal.SIGINT
        if status:
            self._stderr.write(
                f"{self.stage} failed: {last_words(self.log)} ({self.log} has more)\n"
            )
        return status

    def _run_dvc(self) -> int:
        """Run the stage with DVC; retry while other processes hold its files."""
        from dvc import cli, rwlock
        from dvc.lock import LockError

        from pipeline.launch.announcing import wait_for_locks

        lock_files = rwlock.rwlock

        @contextmanager
        def noting(*given: Any) -> Iterator[None]:
            try:
                with lock_files(*given):
                    yield
            except LockError as error:
                self._busy = " ".join(str(error).split())
                raise

        wait_for_locks(self._say_waiting, lambda: self.stops > 0)
        rwlock.rwlock = noting
        while True:
            self._busy = ""
            status = int(cli.main(["repro", "--single-item", self.stage]))
            sys.stdout.flush()
            if self.stops or not self._busy:
                return status
            self._say_waiting(f"files: {self._busy}")
            time.sleep(BUSY_SECONDS)

    def _say_waiting(self, what: str) -> None:
        """Write a line to the log for the launcher; the first time, also write it to stderr."""
        line = f"{WAITING} {what}"
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        if line not in self._said:
            self._said.add(line)
            self._stderr.write(f"{line}\n")

    def _watch(self) -> None:
        """Stop the stage on request; stop it if the parent ends, and kill it if that takes long."""
        orphaned = 0.0
        while True:
            time.sleep(WATCH_SECONDS)
            if not orphaned and os.getppid() != self.parent:
                orphaned, self.stops = time.monotonic(), max(self.stops, 1)
            if orphaned and time.monotonic() - orphaned > STOP_SECONDS:
                self.stops = max(self.stops, 2)
            with self._stopping:
                if self.stops:
                    self._stop()

    def _stop(self) -> None:
        """Interrupt the stage; on a second request, kill it; on a third, kill DVC too.

        DVC is killed only as a last resort, because it may be writing dvc.lock. It exits by itself
        when its stage ends.
        """
        number = signal.SIGINT if self.stops == 1 else signal.SIGKILL
        for process in psutil.Process().children(recursive=True):
            key = (process.pid, int(number))
            with suppress(psutil.Error, ProcessLookupError):
                if key not in self._signalled and os.getpgid(process.pid) == os.getpgrp():
                    process.send_signal(number)
                    self._signalled.add(key)
        if self.stops > 2:
            os._exit(128 + signal.SIGKILL)

    def _note(self, _: int, __: FrameType | None) -> None:
        self.stops += 1


@contextmanager
def on_signals(note: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call `note` on Ctrl-C and SIGTERM while the block runs."""
    before = [(number, signal.signal(number, note)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def last_words(log: Path, size: int = 8192) -> str:
    """Return the last line that the stage, or else DVC, has logged, without the timestamp."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith(CHATTER)]
    return re.sub(r"^\d\d:\d\d:\d\d  ", "", (own or lines or [""])[-1])
