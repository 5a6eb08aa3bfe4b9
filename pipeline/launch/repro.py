"""`dvc repro`, whose stages are told beforehand what is to come, so that they can tell of it."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from pipeline.launch.environment import with_own_python
from pipeline.launch.job import REPRO
from pipeline.launch.plan import Outcome, PlannedStage

PLAN_VARIABLE = "MINBERT_PLAN"  # read by stages/progress.py


def become_dvc_repro(
    stages: Sequence[PlannedStage], last: Mapping[str, float], is_quiet: bool
) -> NoReturn:
    """Go on as `dvc repro`, in this same process: who stops it stops DVC.

    Args:
        stages: the plan, handed on to the stages.
        last: seconds of each stage's last run, where they are known.
        is_quiet: leave out what DVC tells beside warnings and errors.
    """
    may_run = [stage for stage in stages if stage.outcome in (Outcome.RUN, Outcome.DEPENDS)]
    told = json.dumps({s.name: (last.get(s.name), s.outcome == Outcome.RUN) for s in may_run})
    sys.stdout.flush()
    if is_quiet:  # warnings and errors of DVC, and all that stages tell, are on stderr
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.execve(  # noqa: S606  (no shell, and nothing that a user typed)
        sys.executable,
        REPRO,
        {**with_own_python(), PLAN_VARIABLE: told},
    )
