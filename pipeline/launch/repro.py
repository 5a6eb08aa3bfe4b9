"""`make repro`: makes a plan, runs stages in parallel if asked to, then becomes `dvc repro`."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipeline.errors import PlanError
from pipeline.launch.plan import Outcome, PlannedStage, plan_stages
from pipeline.launch.summary import MAY_RUN, summary
from pipeline.launch.sweep import expected_seconds, prepare_graph
from pipeline.launch.times import Seconds
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.progress import PLAN_VARIABLE
from pipeline.plumbing.trials import load_trials, with_trials


@dataclass(frozen=True)
class How:
    """Options for running stages."""

    jobs: int = 1  # stages in parallel
    scheduler: str | None = None  # address of a dask scheduler whose workers run the stages
    per_gpu: int = 1  # finetune runs that share a GPU
    dashboard: bool = False
    verbose: bool = False  # also show the output of DVC


def run_graph(how: How) -> NoReturn:
    """Run the stages that are out of date; at the end, this process becomes `dvc repro`.

    Raises:
        PipelineError: stages cannot start, or a stage that ran in parallel failed.
    """
    params = load_params()
    trials = load_trials(params)
    prepare_graph(params, trials)
    last = expected_seconds(params, trials)
    stages: Sequence[PlannedStage] = []
    if how.scheduler or how.jobs > 1:
        _at_once(with_trials(params, trials), last, how)
    else:
        try:
            stages = _planned(last)
        except PlanError as error:  # if DVC has a problem, `dvc repro` reports it
            sys.stderr.write(f"{error}\n")
    become_dvc_repro(stages, last, is_quiet=not how.verbose)


def _planned(last: Seconds) -> Sequence[PlannedStage]:
    """Print a summary of the plan and return the plan."""
    stages = plan_stages()
    sys.stdout.write(f"{summary(stages, last)}\n")
    sys.stdout.flush()
    return stages


def _at_once(params: Params, last: Seconds, how: How) -> None:
    """Run several stages in parallel."""
    from pipeline.launch.board import Board, QuietConsole
    from pipeline.launch.cluster import local_workers, remote_workers
    from pipeline.launch.machine import THREADS_VARIABLE, gpus_for, threads_of
    from pipeline.launch.parallel import Launch, only_launch, tasks_of

    logging.disable(logging.CRITICAL)  # silences dask; the launch reports what matters
    threads, gpus = threads_of(how.jobs), gpus_for(params.device)
    if how.scheduler:
        lent = remote_workers(how.scheduler)
    else:
        lent = local_workers(how.jobs, threads, gpus, how.per_gpu, how.dashboard)
    with only_launch(), lent as workers:
        if workers.dashboard:
            sys.stdout.write(f"dask's dashboard: {workers.dashboard}\n")
        tasks = tasks_of(_planned(last), last, params)
        Launch(tasks, params, workers, Board(QuietConsole(stderr=True), last)).run()
    sys.stdout.write("now `dvc repro` looks at everything, and should find nothing to do\n")
    sys.stdout.flush()
    os.environ[THREADS_VARIABLE] = threads  # for DVC, if it still finds something to run


def become_dvc_repro(stages: Sequence[PlannedStage], last: Seconds, is_quiet: bool) -> NoReturn:
    """Replace this process with `dvc repro`, so that a signal to this process reaches DVC.

    If `is_quiet`, show only DVC's warnings and errors and the progress lines of stages.
    """
    may_run = [stage for stage in stages if stage.outcome in MAY_RUN]
    plan = json.dumps({s.name: (last.get(s.name), s.outcome == Outcome.RUN) for s in may_run})
    sys.stdout.flush()
    if is_quiet:  # stderr is still shown
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # so that stages run with this Python
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.execve(  # noqa: S606  (no shell, and nothing that a user typed)
        sys.executable,
        [sys.executable, "-m", "pipeline.launch.announcing", "repro"],
        {**os.environ, "PATH": path, PLAN_VARIABLE: plan},
    )
