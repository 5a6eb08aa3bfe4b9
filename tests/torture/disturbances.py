"""Compares `dvc repro` with faults at random moments to an undisturbed one."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import psutil

from tests.torture.repository import Repository
from tests.torture.tally import Tally

PATIENCE_SECONDS = 10.0  # for processes to stop after a signal

MADE = ("data", "reports", "dvc.lock")  # the results of a reproduction

Fault = tuple[str, signal.Signals]  # the target and the signal
FAULTS: Mapping[str, Fault] = {
    "kill -9 of the stage": ("stage", signal.SIGKILL),
    "SIGTERM of the stage": ("stage", signal.SIGTERM),
    "kill -9 of DVC": ("dvc", signal.SIGKILL),
    "SIGTERM of DVC": ("dvc", signal.SIGTERM),
    "kill -9 of all": ("all", signal.SIGKILL),
    "SIGTERM of all": ("all", signal.SIGTERM),
    "Ctrl-C": ("all", signal.SIGINT),
}


def _inject(fault: Fault, dvc: subprocess.Popen[bytes], repository: Repository) -> bool:
    """Send the signal; return whether there was a process to receive it."""
    target, number = fault
    if target == "all":
        os.killpg(dvc.pid, number)
        return True
    hit = repository.processes("stages.") if target == "stage" else [psutil.Process(dvc.pid)]
    for process in hit:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    return bool(hit)  # DVC may be between two stages


def disturb(
    repository: Repository,
    fault: Fault,
    is_time: Callable[[float], bool],
    targets: tuple[str, ...] = (),
) -> bool:
    """Run `dvc repro`, inject a fault when it is time, and wait until DVC has ended.

    Args:
        repository: where to run.
        fault: a value of FAULTS.
        is_time: called about 50 times a second with the seconds since the start.
        targets: targets of `dvc repro`; without any, all stages.

    Returns:
        Whether the fault was injected: False if `dvc repro` ended before.
    """
    with (repository.folder / "disturbed.log").open("ab") as log:
        dvc = subprocess.Popen(
            ["dvc", "--wait-for-lock", "repro", *targets],
            cwd=repository.folder,
            env=repository.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started = time.monotonic()
        injected = False
        while not injected and dvc.poll() is None:
            time.sleep(0.02)
            if is_time(time.monotonic() - started) and dvc.poll() is None:
                injected = _inject(fault, dvc, repository)
        dvc.wait()
    return injected


def campaign(
    repository: Repository,
    kind: str,
    faults: int,
    expected: Mapping[str, str],
    moments: Iterator[float],
) -> Tally:
    """Disturb whole reproductions; each must give the same result as an undisturbed one.

    Args:
        repository: a small repository that is not reproduced yet.
        kind: a key of FAULTS.
        faults: the number of faults.
        expected: hashes of MADE from an undisturbed reproduction.
        moments: seconds after the start of each `dvc repro`.
    """
    tally = Tally(f"{kind} at a random moment", "dvc repro")
    while tally.injected < faults:
        repository.forget()
        injected = 0
        while tally.injected + injected < faults:
            moment = next(moments)
            if not disturb(repository, FAULTS[kind], moment.__le__):
                break
            injected += 1
            if not have_stopped(repository):
                tally.wrong.append("a stage lives on without its DVC")
        done = repository.run("dvc", "--wait-for-lock", "repro")
        tally.injected += injected
        if done.returncode or repository.hashes(*MADE) != expected:
            tally.wrong.append(f"{kind}: {done.stderr.strip()[-300:] or 'other bytes'}")
        else:
            tally.survived += injected
    return tally


def have_stopped(repository: Repository) -> bool:
    """Wait for the stages of a DVC process that has ended; return whether they stop in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while repository.processes("stages."):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
