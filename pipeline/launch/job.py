"""Runs one stage with DVC in its own process, so that several stages can run in parallel.

`dvc repro --single-item` locks only the files of the stage. While another DVC holds them, it fails
and is tried again. The job reports what it waits for. When the process that started it ends, it
stops its stage, which writes a checkpoint, and ends too.
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

PARENT_VARIABLE = "MINBERT_PARENT"  # the process that started the job
WAITING = "waiting for"  # the beginning of a line about a lock
# what DVC prints for every stage, or after the error of a stage
CHATTER = (
    *("Running stage", "> ", "Generating lock", "Updating lock", "To track", "\tgit add"),
    *("To enable", "\tdvc config", "Use `dvc push`", "ERROR: failed to reproduce"),
)
BUSY_SECONDS = 2.0  # until DVC is tried again
WATCH_SECONDS = 0.5
STOP_SECONDS = 300.0  # for a training to reach the end of a step and write its checkpoint
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Job:
    """A stage that DVC runs in this process and that can be stopped."""

    def __init__(self, stage: str) -> None:
        """Prepare to run a stage."""
        self.stage = stage
        self.log = paths.stage_log(stage)  # the output of the stage and of DVC
        self.stops = 0  # how often it was asked to stop
        self.parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
        self._stopping = threading.Lock()
        self._busy = ""  # who held the files that DVC needed
        self._said: set[str] = set()
        self._signalled: set[tuple[int, int]] = set()  # process and signal

    def run(self) -> int:
        """Run the stage to its end, however long it waits; return the exit status."""
        self._stderr = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(log.fileno(), stream.fileno())
        logging.root.handlers.clear()  # DVC has its own
        with on_signals(self._note):
            threading.Thread(target=self._watch, daemon=True).start()
            status = self._run_dvc()
            self._stopping.acquire()  # the whole stage must end before this process
        if self.stops:
            return 128 + signal.SIGINT
        if status:
            self._stderr.write(
                f"{self.stage} failed: {last_words(self.log)} ({self.log} has more)\n"
            )
        return status

    def _run_dvc(self) -> int:
        """Let DVC run the stage; try again while others hold its files."""
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
        """Write a line to the log, which the launcher reads, and once to the job's stderr."""
        line = f"{WAITING} {what}"
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        if line not in self._said:
            self._said.add(line)
            self._stderr.write(f"{line}\n")

    def _watch(self) -> None:
        """Stop when the process that started the job has ended; kill all if that takes too long."""
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
        """Interrupt the stage like Ctrl-C; on a second request kill it, on a third one DVC too.

        DVC is spared as long as possible, because it may be writing dvc.lock. It ends by itself
        when its stage has ended.
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
    """Call `note` for Ctrl-C and SIGTERM in the block."""
    before = [(number, signal.signal(number, note)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def last_words(log: Path, size: int = 8192) -> str:
    """Return the last line of a stage, without its time, or of DVC if the stage has none."""
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
