"""Creates the trials of `make sweep` and `make readings` in trials.yaml and dvc.yaml."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core import paths
from pipeline.core.files import replacing, write_text
from pipeline.core.tasks import IDLE_HEADS, PAIR_ENCODINGS
from pipeline.core.yaml12 import on_one_line
from pipeline.errors import InputError, ParamsError
from pipeline.launch.lists import trials_in, watching, written
from pipeline.launch.times import Seconds, duration, last_seconds, load_times
from pipeline.plumbing.params import Params, RunParams, checked
from pipeline.plumbing.trials import Trial, check_trials, load_trials, trial_name

HEAD = """\
# Runs trained once more, with another seed, setting or reading of the paper, each under a name that
# says all of it. `make sweep` and `make readings` write this, and the lines of dvc.yaml that name
# each; `make sweep SEEDS=1` empties both (docs/sweeps.md, docs/readings.md).
"""
MOST = 1000  # maximum number of trainings: each stage adds to dvc.lock and slows `dvc status`
# errors from parsing a file that is not a dvc.yaml with the expected lists
NOT_A_GRAPH = (ValueError, TypeError, AttributeError, LookupError, StopIteration)
READINGS: Mapping[str, Sequence[str]] = {  # settings whose values are words
    "pair_encoding": PAIR_ENCODINGS,
    "idle_heads": IDLE_HEADS,
}
SETTINGS = ("learning_rate", "dropout", "batch_size.<corpus>", *READINGS)
EXAMPLE = "learning_rate=1e-5,2e-5 dropout=0.1,0.3"
Grid = Mapping[str, Sequence[float | str]]  # values to try, by setting


def swept_runs(params: Params, named: str | None) -> list[str]:
    """Return the runs of a sweep: the named ones, or all runs with a row in Table 3.

    Raises:
        ParamsError: a name is not the name of a run.
        InputError: a run has no row in Table 3 for its scores, or no run is named.
    """
    with_rows = {row.run for row in params.configurations.values()}
    if named is None:
        return [name for name in params.runs if name in with_rows]
    names = [name for name in re.split(r"[,\s]+", named) if name]
    for name in names:
        params.run(name)
        if name not in with_rows:
            raise InputError(f"{name} has no row in `configurations`, where its scores would stand")
    if not names:
        raise InputError("no run is named")
    return [name for name in params.runs if name in names]


def read_grid(text: str) -> Grid:
    """Parse a grid, the settings and the values to try, as the user types it.

    Raises:
        InputError: the text is not in the format of EXAMPLE, or a setting cannot be varied.
    """
    grid: dict[str, list[float | str]] = {}
    for part in text.split():
        setting, equals, values = part.partition("=")
        if not equals or setting in grid:
            raise InputError(f"a grid is written like {EXAMPLE!r}, not {part!r}")
        if not re.fullmatch(r"batch_size\.\w+", setting) and setting not in SETTINGS:
            raise InputError(f"{setting!r} cannot be tried; what can: {', '.join(SETTINGS)}")
        is_size = setting.startswith("batch_size")
        kind: Any = str if setting in READINGS else int if is_size else float
        for value in values.split(","):
            try:
                grid.setdefault(setting, []).append(kind(value))
            except ValueError:
                wanted = "whole number" if is_size else "number"
                raise InputError(f"{setting}: {value!r} is no {wanted}") from None
    if not grid:
        raise InputError(f"a grid is written like {EXAMPLE!r}")
    return grid


def trials_of(params: Params, runs: Sequence[str], num_seeds: int, grid: Grid) -> dict[str, Trial]:
    """Return all trials of a sweep by name: settings x seeds, except the unchanged runs themselves.

    Args:
        params: the content of params.yaml; its seed is the first one.
        runs: names of the runs to train again.
        num_seeds: number of consecutive seeds, starting with the one in params.yaml.
        grid: values to try; a value that the run already has in params.yaml is not a change.

    Raises:
        ParamsError: a value is out of range, or is for a corpus that the run does not train on.
        InputError: there are too many trials.
    """
    count = len(runs) * num_seeds * math.prod(map(len, grid.values()))
    if count > MOST:
        raise InputError(f"this sweep has {count:,} trainings; {MOST:,} are allowed at once")
    trials = {}
    for name, values in itertools.product(runs, itertools.product(*grid.values())):
        run, changes = params.run(name), dict(zip(grid, values, strict=True))
        for seed in range(params.seed, params.seed + num_seeds):
            raw = {"run": name, "mode": run.mode, "seed": seed, "changes": _others(run, changes)}
            trial = checked(Trial, raw, "this sweep")
            if trial.has_changes or seed != params.seed:
                trials[trial_name(name, seed, trial.changes)] = trial
    check_trials(params, trials, "this sweep cannot be made")
    return trials


def _others(run: RunParams, values: Mapping[str, float | str]) -> dict[str, Any]:
    """Return the values that differ from a run's own, in the form of a trial's `changes`."""
    own = run.model_dump() | {f"batch_size.{name}": n for name, n in run.batch_size.items()}
    changes: dict[str, Any] = {}
    for setting, value in values.items():
        key, _, corpus = setting.partition(".")
        if value != own.get(setting):
            changes[key] = changes.get(key, {}) | {corpus: value} if corpus else value
    return changes


def readings_of(params: Params) -> dict[str, Trial]:
    """Return a trial for each reading of the paper that a run with a row in Table 3 does not use.

    A run on pairs gets the other `pair_encoding`; a multi-task run gets the other `idle_heads`.
    Each trial changes one of the two and uses the seed in params.yaml.
    """
    return {
        name: trial
        for run in swept_runs(params, None)
        for setting, values in READINGS.items()
        if getattr(params.run(run), setting) is not None
        for name, trial in trials_of(params, [run], 1, {setting: values}).items()
    }


def kept_readings(params: Params) -> dict[str, Trial]:
    """Return the trials of `readings_of` that trials.yaml lists; none if the file is not valid."""
    try:
        listed = load_trials(params)
    except ParamsError:
        return {}
    return {name: trial for name, trial in readings_of(params).items() if name in listed}


def write_trials(params: Params, trials: Mapping[str, Trial]) -> None:
    """Replace all trials in trials.yaml and dvc.yaml; either both files change or neither does.

    Raises:
        InputError: dvc.yaml does not have its lists in the expected places.
        OSError: the files could not be written; they are unchanged.
    """
    try:
        graph = written(paths.DVC_YAML.read_text(encoding="utf-8"), params.all_runs, trials)
        if trials_in(graph) != set(trials):
            raise ValueError("the report is not there")
    except (OSError, *NOT_A_GRAPH):
        raise InputError(
            f"{paths.DVC_YAML} has no lists where they are expected; `git diff` shows what changed"
        ) from None
    lines = [
        f"  {n}: {on_one_line(t.model_dump(exclude_defaults=True))}" for n, t in trials.items()
    ]
    text = "\n".join([f"{HEAD}trials:" if trials else f"{HEAD}trials: {{}}", *lines, ""])
    with replacing(paths.TRIALS) as new_trials, replacing(paths.DVC_YAML) as new_graph:
        new_trials.write_text(text, encoding="utf-8", newline="\n")
        new_graph.write_text(graph, encoding="utf-8", newline="\n")


def prepare_graph(params: Params, trials: Mapping[str, Trial]) -> None:
    """Make the user's own files deps in dvc.yaml, so that DVC notices when they change.

    Raises:
        InputError: the deps of `report` are not the trials in trials.yaml, because only one of the
            two files was changed.
    """
    try:
        text = paths.DVC_YAML.read_text(encoding="utf-8")
        wanted, found = watching(text, params.active.corpora), trials_in(text)
    except (OSError, *NOT_A_GRAPH):
        return  # DVC itself reports what is wrong with the file
    if others := sorted(found ^ set(trials)):
        raise InputError(
            f"{paths.TRIALS} and the deps of `report` in {paths.DVC_YAML} differ in {others[0]}"
            f"{' and others' if len(others) > 1 else ''}; run `make sweep`, or `make graph` after "
            f"a change of {paths.TRIALS} by hand"
        )
    if wanted != text:
        write_text(paths.DVC_YAML, wanted)


def expected_seconds(params: Params, trials: Mapping[str, Trial]) -> Seconds:
    """Return the last duration of each stage; for trials that never ran, use that of their run."""
    last = last_seconds(load_times(params.profile))
    guesses = {
        f"trials@{name}": last[f"train@{trial.run}"] + last.get(f"evaluate@{trial.run}", 0.0)
        for name, trial in trials.items()
        if f"train@{trial.run}" in last
    }
    return {**guesses, **last}


def described(params: Params, trials: Mapping[str, Trial]) -> str:
    """Describe trials in one line, with the time that they take if none is in the run cache."""
    if not trials:
        return "no trials: every run is trained once"
    count, runs = len(trials), len({trial.run for trial in trials.values()})
    seeds = sorted({trial.seed for trial in trials.values()} | {params.seed})
    several = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    words = (
        f"{count} trial{'s' if count > 1 else ''} of {runs} run{'s' if runs > 1 else ''}, {several}"
    )
    last = expected_seconds(params, trials)
    seconds = sum(last.get(f"trials@{name}", 0.0) for name in trials)
    return words + (f"; about {duration(seconds)} if none of them is known yet" if seconds else "")
