"""What a stage tells of itself while it runs, and what it took, written down at its end.

No out depends on any of this: it only shows and times what the library logs. A debug record is a
live line, which the next line replaces; a record may carry `facts` to be written down, and
`left_seconds`, the stage's own rest.
"""

import json
import logging
import math
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pipeline.core import paths
from pipeline.core.files import write_record
from pipeline.core.schemas import TIME
from pipeline.errors import PipelineError, StopError

log = logging.getLogger("pipeline")

PLAN_VARIABLE = "MINBERT_PLAN"  # from pipeline/launch/repro.py: a Planned for each stage to come
PACE = "pipeline.training.pace"  # the module whose live lines are shown
ERASE = "\r\x1b[K"  # what stands on a terminal's line


class Planned(NamedTuple):
    """What the plan knows of a stage to come."""

    seconds: float | None  # of its last run
    is_sure: bool  # to run; otherwise that depends on what those before it make


class Teller(logging.StreamHandler[TextIO]):
    """Writes what is logged: lines, and on a terminal a live line below them."""

    def __init__(self, stream: TextIO | None) -> None:
        """Begin; without a stream, which is where stderr was closed, nothing is written."""
        super().__init__(stream)
        self.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        is_terminal = stream is not None and stream.isatty()
        self.is_terminal = is_terminal and os.environ.get("TERM") != "dumb"
        self.plan = _plan()
        self.stage = os.environ.get("DVC_STAGE", "")
        self.facts: dict[str, Any] = {}
        self._live = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; keep the facts it carries."""
        self.facts |= getattr(record, "facts", {})
        try:
            if record.levelno > logging.DEBUG:
                self._replace("")
                super().emit(record)
            elif self.is_terminal:
                self._replace(self.format(record))
        except Exception:  # noqa: BLE001  (as in StreamHandler: no stage ends for what it tells)
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Go on without a line that could not be told, but stop where that is what came in."""
        if isinstance(sys.exception(), StopError):
            raise
        super().handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """Add to a line that tells what the stage has left what all of them have."""
        told, left = super().format(record), getattr(record, "left_seconds", None)
        return told if left is None else told + self._all_left(left)

    def announce(self) -> None:
        """Say which stage this is, on how many threads it computes, and its place in a plan."""
        if not self.stage:
            return  # run by hand
        told, threads = self.stage, _threads()
        if threads:
            told += f", {threads}"
        if self.stage in self.plan:
            place, last = list(self.plan).index(self.stage) + 1, self.plan[self.stage].seconds
            told = f"stage {place} of {len(self.plan)}: {told}"
            if last is not None:
                told += f", about {_rounded(last)}{self._all_left(last)}"
        elif not threads:
            return
        log.info("%s", told)

    def _replace(self, line: str) -> None:
        """Put a live line, or none, in the place of the last one."""
        if not (line or self._live):
            return
        try:
            width = os.get_terminal_size(self.stream.fileno()).columns or 80  # 0: does not tell
            self.stream.write(f"{ERASE}{line[: width - 1]}")
            self.flush()
        except OSError:
            self.is_terminal = False  # it was closed: nobody looks
        self._live = line

    def _all_left(self, own: float) -> str:
        """Say what this stage and those after it have left, where that is known."""
        if self.stage not in self.plan:
            return ""
        place = list(self.plan).index(self.stage)
        later = list(self.plan.values())[place + 1 :]
        known = [stage.seconds for stage in later if stage.seconds is not None]
        if not known:
            return ""
        word = "at least " if len(known) < len(later) else ""
        if not all(stage.is_sure for stage in later):
            word = "about "  # no bound: some may not run
        return f", all {word}{_rounded(own + sum(known))}"


def write_down(facts: dict[str, Any], started: float) -> None:
    """Keep what this stage took, for the next plan; where that fails, it is not known.

    Args:
        facts: what its records carried.
        started: when it began, by the monotonic clock.
    """
    stage = os.environ.get("DVC_STAGE")
    if not stage:
        return  # run by hand
    from pipeline.plumbing.params import (
        load_params,  # not before the stage has begun: it takes a while
    )

    record = {
        "stage": stage,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_bytes": _peak_memory(),
        "processors": _processors(),
        **facts,
    }
    try:
        root = Path(os.environ.get("DVC_ROOT") or ".")  # not an experiment's temporary copy
        write_record(root / paths.stage_time(load_params().profile, stage), TIME, record)
    except (OSError, ValueError, PipelineError) as error:
        log.warning("what %s took could not be noted: %s", stage, error)


def _plan() -> dict[str, Planned]:
    """Return the stages that may run in this `make repro`."""
    try:
        told = dict(json.loads(os.environ.get(PLAN_VARIABLE, "{}")))
        return {name: Planned(*planned) for name, planned in told.items()}
    except (ValueError, TypeError):
        return {}


def _threads() -> str:
    """Say how many threads torch has; nothing in a stage that has not imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return ""
    count = torch.get_num_threads()
    return f"{count} thread{'' if count == 1 else 's'}"


def _rounded(seconds: float) -> str:
    """Say a duration as roughly as it is known."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def _peak_memory() -> int | None:
    """Return the most bytes of memory this process has had, if the system tells.

    On Linux not by getrusage, which counts what DVC had before it started this process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024
    except (OSError, ValueError):
        pass
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def _processors() -> int | None:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
