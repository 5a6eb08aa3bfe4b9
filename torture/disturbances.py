"""`dvc repro` disturbed at random moments, from outside, against one left alone."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from torture.kills import Tally
from torture.repository import Repository

PATIENCE_SECONDS = 10.0  # for what is asked to stop to be gone

Fault = Callable[[subprocess.Popen[bytes], Repository], bool]  # whether there was what to hit


def _group(number: int) -> Fault:
    def fault(dvc: subprocess.Popen[bytes], _: Repository) -> bool:
        os.killpg(dvc.pid, number)
        return True

    return fault


def _dvc(number: int) -> Fault:
    def fault(dvc: subprocess.Popen[bytes], _: Repository) -> bool:
        os.kill(dvc.pid, number)
        return True

    return fault


def _stage(number: int) -> Fault:
    def fault(_: subprocess.Popen[bytes], repository: Repository) -> bool:
        found = stages_of(repository)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return bool(found)  # DVC may be between two stages

    return fault


FAULTS: Mapping[str, Fault] = {
    "kill -9 of the stage": _stage(signal.SIGKILL),
    "SIGTERM of the stage": _stage(signal.SIGTERM),
    "kill -9 of DVC": _dvc(signal.SIGKILL),
    "SIGTERM of DVC": _dvc(signal.SIGTERM),
    "kill -9 of all": _group(signal.SIGKILL),
    "SIGTERM of all": _group(signal.SIGTERM),
    "Ctrl-C": _group(signal.SIGINT),
}


def stages_of(repository: Repository) -> list[psutil.Process]:
    """Return the processes of stages that run in a repository."""
    return list(_stages_of(repository))


def _stages_of(repository: Repository) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            here = Path(process.cwd()) == repository.folder
            if here and any(part.startswith("stages.") for part in process.cmdline()):
                yield process
        except psutil.Error:
            continue  # it has ended, or is another user's


def disturb(
    repository: Repository,
    fault: Fault,
    is_time: Callable[[float], bool],
    targets: tuple[str, ...] = (),
) -> bool:
    """Run `dvc repro`, inject a fault when it is time, and wait until DVC is gone.

    Args:
        repository: where.
        fault: what to do.
        is_time: told the seconds since the start, about 50 times a second.
        targets: of `dvc repro`; none are all.

    Returns:
        Whether there was time: False if `dvc repro` came to its end before.
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
        while dvc.poll() is None and not is_time(time.monotonic() - started):
            time.sleep(0.02)
        injected = dvc.poll() is None
        while injected and not fault(dvc, repository):
            time.sleep(0.02)
            injected = dvc.poll() is None
        dvc.wait()
    return injected


def campaign(
    repository: Repository,
    kind: str,
    faults: int,
    expected: Mapping[str, str],
    moments: Iterator[float],
) -> Tally:
    """Disturb whole reproductions so many times; every one must end as the undisturbed one.

    Args:
        repository: a small one, not reproduced yet.
        kind: a key of FAULTS.
        faults: how many.
        expected: the undisturbed one's results, as `results_of` gives them.
        moments: seconds after the start of each `dvc repro`.
    """
    tally = Tally(f"{kind} at a random moment", "dvc repro")
    while tally.injected < faults:
        repository.forget()
        injected = 0
        while tally.injected + injected < faults:
            moment = next(moments)
            if not disturb(repository, FAULTS[kind], lambda now, at=moment: now >= at):  # type: ignore[misc]
                break
            injected += 1
            told = outlived(repository)
            if told:
                tally.wrong.append(told)
        done = repository.run("dvc", "--wait-for-lock", "repro")
        tally.injected += injected
        if done.returncode or results_of(repository) != expected:
            tally.wrong.append(f"{kind}: {done.stderr.strip()[-300:] or 'other bytes'}")
        else:
            tally.survived += injected
    return tally


def outlived(repository: Repository) -> str | None:
    """Say whether a stage lives on without its DVC for longer than it takes to stop."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stages_of(repository):
        if time.monotonic() > deadline:
            return "a stage lives on without its DVC"
        time.sleep(0.05)
    return None


def results_of(repository: Repository) -> dict[str, str]:
    """Return the hashes of everything a reproduction makes: outs, reports and dvc.lock."""
    lock = repository.folder / "dvc.lock"
    text = lock.read_text() if lock.exists() else ""
    return {**repository.hashes("data", "reports"), "dvc.lock": text}
