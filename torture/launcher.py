"""Trains runs in processes of their own, and kills each at a chosen point.

    echo '["sst-finetune", 17, "SIGKILL", "log"]' | python -m torture.launcher

Reads one such line after another: a run, a point, a signal, a file. Points are counted from 1:
after every training step, on both sides of everything that puts a file on the disk or gives it its
name, and in the middle of writing a checkpoint; point 0 kills nowhere. The file gets a line for
each point that was passed, and `<file>.said` what the process said. The answer is its exit
status, negative for a signal. The libraries are loaded once, and each process is a fork of that.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch._dynamo  # noqa: F401  (AdamW loads it when it is made, which takes a second)

import pipeline.training.loop
import pipeline.training.resume
import pipeline.training.run
import stages.train
from stages.entry import run_stage


class Points:
    """Counts the points of this process."""

    def __init__(self, log: Path, last: int, number: int) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.left = last
        self.number = number

    @property
    def is_last(self) -> bool:
        """Say whether the next point is the one to be killed at."""
        return self.left == 1

    def passed(self, name: str) -> None:
        """Note a point; do not come back from the last one, if the signal can be helped."""
        os.write(self.log, f"{name}\n".encode())
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)

    def around(self, owner: Any, name: str, *, before: bool = True) -> None:
        """Make points of the calls of a function."""
        inner: Callable[..., Any] = getattr(owner, name)

        def called(*arguments: Any, **named: Any) -> Any:
            if before:
                self.passed(f"before {name}")
            result = inner(*arguments, **named)
            self.passed(f"after {name}")
            return result

        setattr(owner, name, called)

    def inside(self, owner: Any, name: str) -> None:
        """Make a point of a file that is written by half; its path is the second argument."""
        inner: Callable[..., Any] = getattr(owner, name)

        def called(tensors: Any, path: Path, *rest: Any) -> None:
            inner(tensors, path, *rest)
            if self.is_last:
                os.truncate(path, path.stat().st_size // 2)
            self.passed(f"inside {name}")
            inner(tensors, path, *rest)  # the signal was helped

        setattr(owner, name, called)


def main() -> None:
    """Train one run after another, as asked for on standard input."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _be_a_process(*json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _train(run: str, last: int, number: str, log: str) -> None:
    """Train a run with its points, as `python -m stages.train` does."""
    said = os.open(f"{log}.said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, sys.stderr.fileno())
    points = Points(Path(log), last, signal.Signals[number].value)
    points.around(pipeline.training.loop.Trainer, "step", before=False)
    points.around(os, "fsync")
    points.around(Path, "replace")
    points.around(shutil, "rmtree")
    points.inside(pipeline.training.resume, "save_file")
    sys.argv = ["stages.train", run]
    run_stage(stages.train.main)


def _be_a_process(*asked: Any) -> NoReturn:
    """Do a child's work and end it, whatever happens, without going back into the loop."""
    status = 1
    try:
        _train(*asked)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001  (a bug's traceback belongs to what the child said)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
