"""Run what is out of date: `dvc repro` with a plan before it and little said in between."""

import argparse
import sys
from collections.abc import Sequence

from pipeline.errors import LaunchError, PlanError
from pipeline.launch.environment import use_own_index
from pipeline.launch.local import LocalWorkers
from pipeline.launch.plan import PlannedStage, plan_stages
from pipeline.launch.repro import become_dvc_repro
from pipeline.launch.summary import summary
from pipeline.launch.sweep import check_listed, guessed, watch_own_files
from pipeline.launch.times import last_seconds, load_times
from pipeline.launch.workers import Workers
from pipeline.params import Params, load_params
from pipeline.trials import load_trials, with_trials


def read_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline repro", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="what DVC says, too")
    parser.add_argument("-j", "--jobs", type=_count, default=1, help="stages at once")
    parser.add_argument("--scheduler", help="of dask: run stages on its workers; tcp://host:8786")
    parser.add_argument(
        "--clones", action="store_true", help="workers share no files: each has a clone of its own"
    )
    parser.add_argument("--per-gpu", type=_count, default=1, help="finetune runs at once on a GPU")
    asked = parser.parse_args(argv)
    if asked.clones and not asked.scheduler:
        parser.error("--clones says what workers of a --scheduler have")
    if asked.scheduler and asked.jobs > 1 and not asked.clones:
        parser.error("--jobs is of this machine; on a --scheduler, its workers decide")
    return asked


def main(argv: list[str]) -> None:
    asked = read_arguments(argv)
    params = load_params()
    trials = load_trials(params)
    check_listed(trials)
    watch_own_files(params)
    last = guessed(last_seconds(load_times(params.profile)), trials)
    use_own_index()
    if asked.scheduler or asked.jobs > 1:
        _at_once(with_trials(params, trials), last, asked)
        return
    try:
        stages = _planned(last)
    except PlanError as error:
        stages = []  # DVC itself will tell, or know better
        sys.stderr.write(f"{error}\n")
    become_dvc_repro(stages, last, is_quiet=not asked.verbose)


def _planned(last: dict[str, float]) -> Sequence[PlannedStage]:
    """Plan, and say what is planned."""
    stages = plan_stages()
    print(summary(stages, last), flush=True)
    return stages


def _at_once(params: Params, last: dict[str, float], asked: argparse.Namespace) -> None:
    """Run several stages at once, then let DVC confirm that nothing is left."""
    from pipeline.launch.board import Board, QuietConsole
    from pipeline.launch.machine import this_machine
    from pipeline.launch.parallel import Launch, confirm, likely_seconds, only_launch, tasks_of
    from pipeline.launch.schedule import Schedule

    local = LocalWorkers(asked.jobs, asked.per_gpu, this_machine(params.device), params)
    with only_launch():
        workers = _cluster(local, asked) if asked.scheduler else local
        stages = _planned(last)
        schedule = Schedule(tasks_of(stages, likely_seconds(stages, last, params)))
        jobs = None if asked.scheduler else asked.jobs
        Launch(schedule, workers, Board(QuietConsole(), last, jobs)).run()
        more = confirm(local.environment)
    told = f"`dvc repro` ran {', '.join(more)} after all" if more else "`dvc repro` agrees"
    print(f"{told}: {len(stages)} stages, all up to date")


def _cluster(local: LocalWorkers, asked: argparse.Namespace) -> Workers:
    """Return the workers of a scheduler; those with clones leave some stages to this machine."""
    try:
        from pipeline.launch.clones import CloneWorkers
        from pipeline.launch.cluster import ClusterWorkers
    except ModuleNotFoundError as error:
        raise LaunchError(
            f"--scheduler needs {error.name}; "
            "`.venv/bin/pip install -r requirements-cluster.lock` brings it"
        ) from None
    cluster = ClusterWorkers(asked.scheduler, one_each=asked.clones)
    return CloneWorkers(cluster, local) if asked.clones else cluster


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of stages: 1 or more")
    return int(text)
