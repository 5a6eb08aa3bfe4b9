"""Run what is out of date: `dvc repro` with a plan before it and little said in between."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pipeline.errors import PlanError
from pipeline.launch.environment import use_own_index
from pipeline.launch.plan import PlannedStage, plan_stages
from pipeline.launch.repro import become_dvc_repro
from pipeline.launch.summary import summary
from pipeline.launch.sweep import check_listed, guessed, watch_own_files
from pipeline.launch.times import last_seconds, load_times
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.trials import load_trials, with_trials


def read_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline repro", description=__doc__)
    add = parser.add_argument
    add("-v", "--verbose", action="store_true", help="what DVC says, too")
    add("-j", "--jobs", type=_count, default=1, help="stages at once")
    add("--scheduler", help="of dask: run stages on its workers; tcp://host:8786")
    add("--per-gpu", type=_count, default=1, help="finetune runs at once on a GPU")
    add("--dashboard", action="store_true", help="of dask, for a browser on this machine")
    asked = parser.parse_args(argv)
    if asked.scheduler and (asked.jobs > 1 or asked.per_gpu > 1 or asked.dashboard):
        parser.error("a --scheduler has its own --jobs, --per-gpu and --dashboard")
    return asked


def main(argv: list[str]) -> None:
    asked = read_arguments(argv)
    params = load_params()
    trials = load_trials(params)
    check_listed(trials)
    watch_own_files(params)
    last = guessed(last_seconds(load_times(params.profile)), trials)
    use_own_index()
    stages: Sequence[PlannedStage] = []
    if asked.scheduler or asked.jobs > 1:
        _at_once(with_trials(params, trials), last, asked)
    else:
        try:
            stages = _planned(last)
        except PlanError as error:  # DVC itself says what is wrong, or knows better
            sys.stderr.write(f"{error}\n")
    become_dvc_repro(stages, last, is_quiet=not asked.verbose)


def _planned(last: dict[str, float]) -> Sequence[PlannedStage]:
    """Plan, and say what is planned."""
    stages = plan_stages()
    print(summary(stages, last), flush=True)
    return stages


def _at_once(params: Params, last: dict[str, float], asked: argparse.Namespace) -> None:
    """Run several stages at once."""
    from pipeline.launch.board import Board, QuietConsole
    from pipeline.launch.cluster import local_workers, remote_workers
    from pipeline.launch.machine import THREADS_VARIABLE, gpus_for, threads_of
    from pipeline.launch.parallel import Launch, only_launch, tasks_of

    logging.disable(logging.CRITICAL)  # dask's words; what matters is said by the launch
    threads, gpus = threads_of(asked.jobs), gpus_for(params.device)
    if asked.scheduler:
        lent = remote_workers(asked.scheduler)
    else:
        lent = local_workers(asked.jobs, threads, gpus, asked.per_gpu, asked.dashboard)
    with only_launch(), lent as workers:
        if workers.dashboard:
            print(f"dask's dashboard: {workers.dashboard}")
        tasks = tasks_of(_planned(last), last, params)
        Launch(tasks, params, workers, Board(QuietConsole(stderr=True), last)).run()
    print("now `dvc repro` looks at everything, and should find nothing to do", flush=True)
    os.environ[THREADS_VARIABLE] = threads  # should it find something


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of stages: 1 or more")
    return int(text)
