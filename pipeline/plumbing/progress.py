"""Writes a stage's progress lines and records its time and memory.

No out depends on this module. A debug record is shown as a live line, which the next line
replaces. A record may have `left_seconds`, the time that the stage still needs.
"""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pipeline.core import paths
from pipeline.errors import PipelineError, StopError

log = logging.getLogger("pipeline")

PLAN_VARIABLE = "MINBERT_PLAN"  # JSON set by pipeline/launch/repro.py: a `Planned` per stage
PACE = "pipeline.training.pace"  # name of the logger for live lines
ERASE = "\r\x1b[K"  # clears the current line of a terminal


class Planned(NamedTuple):
    """A stage that the plan expects to run."""

    seconds: float | None  # duration of its last run
    is_sure: bool  # False if earlier stages decide whether it runs


class ProgressHandler(logging.StreamHandler[TextIO]):
    """Writes log records as lines and, on a terminal, shows a live line below them."""

    def __init__(self, stream: TextIO | None) -> None:
        """Write to a stream, or nowhere if it is None because stderr was closed."""
        super().__init__(stream)
        self.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        is_terminal = stream is not None and stream.isatty()
        self.is_terminal = is_terminal and os.environ.get("TERM") != "dumb"
        self.stage = os.environ.get("DVC_STAGE", "")
        self.plan: dict[str, Planned] = {}  # the stages that may run in this `make repro`
        with suppress(ValueError, TypeError):
            stages = dict(json.loads(os.environ.get(PLAN_VARIABLE, "{}")))
            self.plan = {name: Planned(*planned) for name, planned in stages.items()}
        self._live = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            if record.levelno > logging.DEBUG:
                self._replace("")
                super().emit(record)
            elif self.is_terminal:
                self._replace(self.format(record))
        except Exception:  # noqa: BLE001  (as in StreamHandler: logging must not end a stage)
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Let logging handle a line that could not be written, but re-raise a request to stop."""
        if isinstance(sys.exception(), StopError):
            raise
        super().handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; if it has the time left for this stage, add the time for all stages."""
        line, left = super().format(record), getattr(record, "left_seconds", None)
        return line if left is None else line + self._all_left(left)

    def announce(self) -> None:
        """Log the name of the stage, its number of threads and its place in the plan."""
        if not self.stage:
            return  # someone ran the stage by hand
        line, torch = self.stage, sys.modules.get("torch")
        if torch:
            count = torch.get_num_threads()
            line += f", {count} thread{'' if count == 1 else 's'}"
        if self.stage in self.plan:
            place, last = list(self.plan).index(self.stage) + 1, self.plan[self.stage].seconds
            line = f"stage {place} of {len(self.plan)}: {line}"
            if last is not None:
                line += f", about {_rounded(last)}{self._all_left(last)}"
        elif not torch:
            return
        log.info("%s", line)

    def _replace(self, line: str) -> None:
        """Replace the live line; an empty line clears it."""
        if not (line or self._live):
            return
        try:
            width = os.get_terminal_size(self.stream.fileno()).columns or 80  # 0: unknown
            self.stream.write(f"{ERASE}{line[: width - 1]}")
            self.flush()
        except OSError:
            self.is_terminal = False  # the terminal was closed
        self._live = line

    def _all_left(self, own: float) -> str:
        """Describe the time left for this stage and all later ones; return "" if unknown."""
        later = list(self.plan.values())[[*self.plan, self.stage].index(self.stage) + 1 :]
        known = [stage.seconds for stage in later if stage.seconds is not None]
        word = "at least " if len(known) < len(later) else ""
        if not all(stage.is_sure for stage in later):
            word = "about "  # not a bound: some stages may not run
        return f", all {word}{_rounded(own + sum(known))}" if known else ""


def record_time(facts: Mapping[str, Any], started: float) -> None:
    """Record the duration, memory and other facts of this stage for the next plan.

    `started` is the reading of `time.monotonic` at the start. Failure only logs a warning.
    """
    stage = os.environ.get("DVC_STAGE")
    if not stage:
        return  # someone ran the stage by hand
    # imported here because pydantic loads slowly
    from pipeline.plumbing.params import load_params
    from pipeline.plumbing.stage_times import StageTime

    try:
        record = StageTime(
            stage=stage,
            seconds=round(time.monotonic() - started, 2),
            peak_memory_bytes=peak_memory(),
            **facts,
        )
        root = Path(os.environ.get("DVC_ROOT") or ".")  # not an experiment's temporary copy
        record.write(root / paths.stage_time(load_params().profile, stage))
    except (OSError, ValueError, PipelineError) as error:
        log.warning("the time of %s could not be recorded: %s", stage, error)


def _rounded(seconds: float) -> str:
    """Format a duration in whole seconds, whole minutes or tenths of an hour."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def peak_memory() -> int | None:
    """Return the peak memory of this process in bytes, or None if the system does not report it.

    On Linux, getrusage would also count the memory that the DVC process had before the fork.
    """
    with suppress(OSError, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
