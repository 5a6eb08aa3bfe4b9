"""`dvc repro`, whose stages are told beforehand what is to come, so that they can tell of it."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from pipeline import paths
from pipeline.launch.plan import Outcome, PlannedStage

PLAN_VARIABLE = "MINBERT_PLAN"  # read by stages/progress.py
INDEX_VARIABLE = "DVC_SITE_CACHE_DIR"


def use_own_index() -> None:
    """Keep DVC's index, which is in pickles, where only the user enters.

    By default it is where everybody may write. One that the user named stays. Where there is no
    DVC repository, none is begun.
    """
    if INDEX_VARIABLE not in os.environ and paths.DVC_DIR.is_dir():
        paths.DVC_INDEX.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[INDEX_VARIABLE] = str(paths.DVC_INDEX.absolute())


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
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    sys.stdout.flush()
    if is_quiet:  # warnings and errors of DVC, and all that stages tell, are on stderr
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.execve(  # noqa: S606  (no shell, and nothing that a user typed)
        sys.executable,
        [sys.executable, "-m", "dvc", "--wait-for-lock", "repro"],
        os.environ | {"PATH": path, PLAN_VARIABLE: told},
    )
