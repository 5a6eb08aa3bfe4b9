"""Runs a stage as `python -m` does, and kills it at a chosen point.

    python -m torture.launcher <log> <point> <signal> stages.train sst-finetune

Points are counted from 1: after every training step, on both sides of everything that puts a
file on the disk or gives it its name, and in the middle of writing a checkpoint. The log gets a
line for each that was passed. Point 0 kills nowhere.
"""

import importlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


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


def main(argv: list[str]) -> None:
    """Run a stage with its points."""
    log, last, number, stage, *arguments = argv
    points = Points(Path(log), int(last), signal.Signals[number].value)
    module = importlib.import_module(stage)
    training = importlib.import_module("pipeline.training.run")
    resume = importlib.import_module("pipeline.training.resume")
    points.around(training.Trainer, "step", before=False)
    points.around(os, "fsync")
    points.around(Path, "replace")
    points.around(shutil, "rmtree")
    points.inside(resume, "save_file")
    sys.argv = [stage, *arguments]
    importlib.import_module("stages.entry").run_stage(module.main)


if __name__ == "__main__":
    main(sys.argv[1:])
