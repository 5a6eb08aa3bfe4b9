"""One stage under DVC, in a process of its own: what several of them at once need.

`dvc --wait-for-lock repro --single-item` waits for DVC's lock of the repository, where plain
`dvc repro` gives up after three seconds and loses what the stage made. For files that another DVC
reads or writes it does not wait: it is asked again. The job says what it waits for; it ends with
the process that asked for it, and takes its stage along, which keeps a checkpoint.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import psutil

from pipeline import paths
from pipeline.launch.environment import with_own_python

DVC = (sys.executable, "-m", "pipeline.launch.announcing")
REPRO = (*DVC, "--wait-for-lock", "repro")
PARENT_VARIABLE = "MINBERT_PARENT"  # the process that asked for the job, noted before it began
STOP = signal.SIGUSR1  # ends a DVC that waits for a lock, which has nothing half-written
WAITING = "waiting for"  # begins what is said of a lock
UNABLE = "Unable to acquire lock"  # as in DVC's words
BUSY = "is busy, it is being blocked by"  # DVC's words
# what DVC says of every stage, in case of an error after the stage's own word
CHATTER = (
    *("Running stage", "> ", "Generating lock", "Updating lock", "To track", "\tgit add"),
    *("To enable", "\tdvc config", "Use `dvc push`", "ERROR: failed to reproduce"),
)
RWLOCK = paths.DVC_DIR / "tmp/rwlock"  # where DVC notes who uses which files
BUSY_SECONDS = 2.0  # until DVC is asked again
WATCH_SECONDS = 0.5
STOP_SECONDS = 300.0  # for a training to come to a place where it can be kept, and be kept
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Job:
    """A stage that is run, and can be stopped."""

    def __init__(self, stage: str, log: Path, pull: bool = False) -> None:
        """Begin with nothing run.

        Args:
            stage: its name.
            log: where everything is told.
            pull: take what another machine made from DVC's remote, instead of making it.
        """
        self.command = (*REPRO, *["--pull"] * pull, "--single-item", stage)
        self.log = log
        self.stops = 0  # how often somebody asked
        self.parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
        self._orphaned = 0.0  # when it was seen that the parent is gone
        self._told: set[tuple[int, int]] = set()  # processes and signals that were sent to them
        self._announced: set[str] = set()

    def run(self) -> int:
        """Run the stage to its end, whatever it waits for; return DVC's exit status."""
        with on_signals(self._note):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb", buffering=0) as log:
                while not self.stops:
                    place = log.tell()
                    status = self._attempt(log)
                    hindrance = hindered_by(self.log, place) if status else ""
                    if not hindrance:
                        return status
                    log.write(f"{WAITING} {hindrance}\n".encode())
                    self._announce()
                    time.sleep(BUSY_SECONDS)
        return 128 + signal.SIGINT

    def _attempt(self, log: BinaryIO) -> int:
        """Let DVC run the stage once."""
        process = subprocess.Popen(  # noqa: S603  (no shell; a name of a stage)
            self.command,
            env=with_own_python(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group, which Ctrl-C reaches through this process alone
        )
        while True:
            try:
                return process.wait(WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                self._announce()
                self._watch_parent()
                if self.stops:
                    self._stop(process.pid)

    def _announce(self) -> None:
        """Say on stderr, once, what is waited for."""
        words = last_words(self.log)
        if words.startswith(WAITING) and words not in self._announced:
            self._announced.add(words)
            sys.stderr.write(f"{words}\n")

    def _watch_parent(self) -> None:
        """Stop once the process that asked for the job is gone; end it if that takes too long."""
        if os.getppid() == self.parent:
            return
        if not self._orphaned:
            self._orphaned = time.monotonic()
            self.stops = max(self.stops, 1)
        elif time.monotonic() - self._orphaned > STOP_SECONDS:
            self.stops = max(self.stops, 2)

    def _stop(self, dvc: int) -> None:
        """Interrupt the stage as Ctrl-C does; when asked again end it, and then DVC with it.

        DVC itself is left alone as long as possible, unless it waits for a lock: it may be writing
        dvc.lock, which would be cut off. Without its stage it ends by itself.
        """
        number = signal.SIGINT if self.stops == 1 else signal.SIGKILL
        with suppress(psutil.Error, ProcessLookupError):
            os.kill(dvc, STOP)
            for process in psutil.Process(dvc).children(recursive=True):
                key = (process.pid, int(number))
                if key not in self._told and os.getpgid(process.pid) == dvc:
                    process.send_signal(number)
                    self._told.add(key)
        if self.stops > 2:
            with suppress(ProcessLookupError):
                os.killpg(dvc, number)

    def _note(self, _: int, __: FrameType | None) -> None:
        self.stops += 1


@contextmanager
def on_signals(note: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Take Ctrl-C and SIGTERM in the block as a wish to stop."""
    before = [(number, signal.signal(number, note)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def hindered_by(log: Path, place: int = 0) -> str:
    """Return who has what DVC wanted, from a place of its log on; nothing if that was not it."""
    with log.open("rb") as file:
        file.seek(place)
        told = file.read().decode(errors="replace")
    if found := re.search(f"{UNABLE} (.+)", told):
        return found[1]
    if BUSY not in told:
        return ""
    users = re.findall(r"\(PID (\d+)\): (.+)", told)
    names = ", ".join(f"process {number} ({command})" for number, command in users)
    return f"{names}: at work on the same files; if no such DVC runs, remove {RWLOCK}"


def last_words(log: Path) -> str:
    """Return the last line of a stage, without its time; DVC's, if it is DVC that has a say."""
    lines = _last_lines(log)
    own = [line for line in lines if not line.startswith(CHATTER)]
    return re.sub(r"^\d\d:\d\d:\d\d  ", "", (own or lines or [""])[-1])


def _last_lines(log: Path, size: int = 8192) -> Sequence[str]:
    """Return the lines at the end of a log that are not empty; none where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]
