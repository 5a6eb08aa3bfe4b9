"""One stage under DVC, in a process of its own: what several of them at once need.

`dvc --wait-for-lock repro --single-item` waits for DVC's lock of the repository, where plain
`dvc repro` gives up after three seconds and loses what the stage made. For files that another DVC
reads or writes it does not wait: it is asked again. The job ends with the process that asked for
it, and takes its stage along, which keeps a checkpoint.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from pipeline.launch.environment import with_own_python

DVC = (sys.executable, "-m", "dvc")
REPRO = (*DVC, "--wait-for-lock", "repro")
BUSY = (b"is busy, it is being blocked by", b"Unable to acquire lock")  # in DVC's words
# what DVC says of every stage, in case of an error after the stage's own word
CHATTER = (
    *("Running stage", "> ", "Generating lock", "Updating lock", "To track", "\tgit add"),
    *("To enable", "\tdvc config", "Use `dvc push`", "ERROR: failed to reproduce"),
)
BUSY_SECONDS = 2.0  # until DVC is asked again
WATCH_SECONDS = 0.5
STOP_SECONDS = 60.0  # for a training to come to a place where it can be kept, and be kept
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
        self.parent = os.getppid()
        self._orphaned = 0.0  # when it was seen that the parent is gone
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Run the stage to its end, whatever it waits for; return DVC's exit status."""
        before = [(number, signal.signal(number, self._note)) for number in SIGNALS]
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb", buffering=0) as log:
                while True:
                    place = log.tell()
                    status = self._attempt(log)
                    if status == 0 or self.stops or not was_busy(self.log, place):
                        return 128 + signal.SIGINT if self.stops and status else status
                    log.write(b"another DVC is at work on these files; waiting for it\n")
                    time.sleep(BUSY_SECONDS)
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask the stage and its DVC to stop, as Ctrl-C does; end them when asked again."""
        self.stops += 1
        if self._process and self._process.poll() is None:
            last = signal.SIGINT if self.stops == 1 else signal.SIGKILL
            os.killpg(self._process.pid, last)

    def _attempt(self, log: BinaryIO) -> int:
        """Let DVC run the stage once."""
        if self.stops:
            return 128 + signal.SIGINT
        process = self._process = subprocess.Popen(  # noqa: S603  (no shell; a name of a stage)
            self.command,
            env=with_own_python(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group, to be signalled together
        )
        while True:
            try:
                return process.wait(WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                self._watch_parent()

    def _watch_parent(self) -> None:
        """Stop once the process that asked for the job is gone; end it if that takes too long."""
        if os.getppid() == self.parent:
            return
        if not self.stops:
            self._orphaned = time.monotonic()
            self.stop()
        elif time.monotonic() - self._orphaned > STOP_SECONDS:
            self.stop()

    def _note(self, _: int, __: FrameType | None) -> None:
        self.stop()


def was_busy(log: Path, place: int = 0) -> bool:
    """Say whether DVC refused, from a place of its log on, since others use the files."""
    with log.open("rb") as file:
        file.seek(place)
        told = file.read()
    return any(words in told for words in BUSY)


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
