"""Points of a training at which it can be killed.

They are counted from 1: after every training step, on both sides of everything that puts a file on
the disk or gives it its name, and in the middle of writing a checkpoint.
"""

import os
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import pipeline.training.loop
import pipeline.training.resume
import stages.train
from pipeline.plumbing.entry import run_stage


class Points:
    """Counts the points of this process."""

    def __init__(self, log: str, last: int, number: int) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.left, self.number = last, number

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
            if self.left == 1:
                os.truncate(path, path.stat().st_size // 2)
            self.passed(f"inside {name}")
            inner(tensors, path, *rest)  # the signal was helped

        setattr(owner, name, called)


def train_until(folder: Path, run: str, last: int, number: int, largest: int) -> None:
    """Train a run in a repository as `python -m stages.train` does, in a process made for that.

    `<run>.points` gets a line for each point that was passed, `<run>.said` what the process said.

    Args:
        folder: the repository's.
        run: which.
        last: the point to be killed at; 0 is none.
        number: of the signal.
        largest: file in bytes that the system lets this process write; -1 is any.
    """
    os.chdir(folder)
    torch.set_num_threads(1)
    os.dup2(os.open(f"{run}.said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    points = Points(f"{run}.points", last, number)
    points.around(pipeline.training.loop.Trainer, "step", before=False)
    points.around(os, "fsync")
    points.around(Path, "replace")
    points.around(shutil, "rmtree")
    points.inside(pipeline.training.resume, "save_file")
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    sys.argv = ["stages.train", run]
    run_stage(stages.train.main)
