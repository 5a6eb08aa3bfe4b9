"""What a command costs: seconds by the clock, seconds of processors, memory."""

import io
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from threading import Timer


@dataclass(frozen=True)
class Cost:
    """What commands cost that began together."""

    wall_seconds: float
    cpu_seconds: float  # of the commands and all that they started and waited for
    peak_memory_mb: float  # of the largest process among them


class CommandError(Exception):
    """A command failed; holds what it said."""


def timed(
    commands: Sequence[Sequence[str]],
    folder: Path,
    environment: Mapping[str, str],
    patience: float | None = None,
) -> Cost | None:
    """Run commands at once to the end of the last; None where that takes longer than `patience`.

    Raises:
        CommandError: one of them failed.
    """
    started = time.monotonic()
    processes = [_begun(command, folder, environment) for command in commands]
    timer = Timer(patience or 0, _kill, [processes])
    if patience is not None:
        timer.start()
    try:
        ended = [_ended(process) for process in processes]
    finally:  # Ctrl-C does not reach them by itself
        timer.cancel()
        _kill(processes)
    wall = time.monotonic() - started
    if patience is not None and wall >= patience:
        return None
    for process, (said, _) in zip(processes, ended, strict=True):
        if process.returncode:
            raise CommandError(said)
    cpu = sum(usage.ru_utime + usage.ru_stime for _, usage in ended)
    peak = max(usage.ru_maxrss for _, usage in ended)
    return Cost(round(wall, 2), round(cpu, 2), round(peak / 1024, 1))


def _begun(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    # no shell, and commands are written in this package
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a group, to be ended together
    )


def _ended(process: subprocess.Popen[str]) -> tuple[str, struct_rusage]:
    """Wait for a process and all that it started; return what they said, and what it cost."""
    with process.stdout or io.StringIO() as stream:
        said = stream.read()
    _, status, usage = os.wait4(process.pid, 0)  # Popen.wait does not tell of resources
    process.returncode = os.waitstatus_to_exitcode(status)
    return said, usage


def _kill(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
