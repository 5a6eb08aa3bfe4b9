"""`dvc repro`, whose stages get the plan, so that they can say what is to come."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from pipeline.launch.environment import with_own_python
from pipeline.launch.plan import Outcome, PlannedStage

PLAN_VARIABLE = "MINBERT_PLAN"  # read by pipeline/plumbing/progress.py


def become_dvc_repro(
    stages: Sequence[PlannedStage], last: Mapping[str, float], is_quiet: bool
) -> NoReturn:
    """Go on as `dvc repro`, in this same process: who stops it stops DVC.

    Args:
        stages: the plan, for the stages.
        last: seconds of each stage's last run, where they are known.
        is_quiet: leave out what DVC says beside warnings and errors.
    """
    may_run = [stage for stage in stages if stage.outcome in (Outcome.RUN, Outcome.DEPENDS)]
    plan = json.dumps({s.name: (last.get(s.name), s.outcome == Outcome.RUN) for s in may_run})
    sys.stdout.flush()
    if is_quiet:  # warnings and errors of DVC, and all that stages say, are on stderr
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.execve(  # noqa: S606  (no shell, and nothing that a user typed)
        sys.executable,
        [sys.executable, "-m", "pipeline.launch.announcing", "repro"],
        {**with_own_python(), PLAN_VARIABLE: plan},
    )
