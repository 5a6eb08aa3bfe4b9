"""Points at which a training process can be killed.

They are numbered from 1: after every training step, before and after every call that syncs or
renames a file, and in the middle of writing a checkpoint.
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
    """Counts the points that this process passes."""

    def __init__(self, log: str, last: int, number: int) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.left, self.number = last, number

    def passed(self, name: str) -> None:
        """Record a point; at the last one, send the signal."""
        os.write(self.log, f"{name}\n".encode())
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)

    def around(self, owner: Any, name: str, *, before: bool = True) -> None:
        """Add points before and after the calls of a function."""
        inner: Callable[..., Any] = getattr(owner, name)

        def called(*arguments: Any, **named: Any) -> Any:
            if before:
                self.passed(f"before {name}")
            result = inner(*arguments, **named)
            self.passed(f"after {name}")
            return result

        setattr(owner, name, called)

    def inside(self, owner: Any, name: str) -> None:
        """Add a point where half of a file is written; its path is the second argument."""
        inner: Callable[..., Any] = getattr(owner, name)

        def called(tensors: Any, path: Path, *rest: Any) -> None:
            inner(tensors, path, *rest)
            if self.left == 1:
                os.truncate(path, path.stat().st_size // 2)
            self.passed(f"inside {name}")
            inner(tensors, path, *rest)  # the signal did not end the process

        setattr(owner, name, called)


def train_until(folder: Path, run: str, last: int, number: int, largest: int) -> None:
    """Train a run in a repository as `python -m stages.train` does, in a new process.

    `<run>.points` gets a line for each point that is passed, `<run>.output` the process's output.

    Args:
        folder: the repository.
        run: the run.
        last: the point at which to be killed; 0 for none.
        number: the number of the signal.
        largest: the largest file that the process may write, in bytes; -1 for any.
    """
    os.chdir(folder)
    torch.set_num_threads(1)
    os.dup2(os.open(f"{run}.output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    points = Points(f"{run}.points", last, number)
    points.around(pipeline.training.loop.Trainer, "step", before=False)
    points.around(os, "fsync")
    points.around(Path, "replace")
    points.around(shutil, "rmtree")
    points.inside(pipeline.training.resume, "save_file")
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    sys.argv = ["stages.train", run]
    run_stage(stages.train.main, "run")
