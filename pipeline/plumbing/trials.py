"""The schema of trials.yaml, which lists runs to train again with different seeds or settings.

`make sweep` and `make readings` write the file. A trial's name contains all its settings, so the
same trial has the same name in every sweep, and DVC's run cache finds its result.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.core import paths
from pipeline.core.tasks import CorpusName, IdleHeads, Mode, PairEncoding
from pipeline.errors import ParamsError
from pipeline.plumbing.params import (
    Fraction,
    Params,
    Positive,
    Rate,
    RunParams,
    Section,
    inapplicable_keys,
    load_section,
)


class Changes(Section):
    """Settings that replace those of a run."""

    learning_rate: Rate | None = None
    dropout: Fraction | None = None
    batch_size: dict[CorpusName, Positive] = Field(default_factory=dict)
    pair_encoding: PairEncoding | None = None
    idle_heads: IdleHeads | None = None

    @property
    def is_reading(self) -> bool:
        """Return whether the only change is one reading of the paper."""
        alone = (Changes(pair_encoding=self.pair_encoding), Changes(idle_heads=self.idle_heads))
        return self in alone and self != Changes()


class Trial(Section):
    """A run that is trained again with a different seed or settings."""

    run: str
    mode: Mode  # the run's mode, repeated because dvc.yaml cannot look it up
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # for heads, dropout, shuffling and the bootstrap
    changes: Changes

    @property
    def has_changes(self) -> bool:
        """Return whether the trial changes any setting besides the seed."""
        return self.changes != Changes()


class TrialsFile(Section):
    """The content of trials.yaml."""

    trials: dict[str, Trial]


def load_trials(params: Params, path: Path = paths.TRIALS) -> dict[str, Trial]:
    """Read and validate trials.yaml.

    Raises:
        ParamsError: one line per invalid key, with its full path and the allowed values.
    """
    trials = load_section(TrialsFile, path).trials
    check_trials(params, trials, f"{path} is not valid; `make sweep` rewrites it")
    return trials


def check_trials(params: Params, trials: Mapping[str, Trial], complaint: str) -> None:
    """Check that the run of each trial exists and that each trial has the right name.

    Raises:
        ParamsError: the complaint, followed by one line per invalid key.
    """
    problems = [problem for name in trials for problem in _problems(name, trials[name], params)]
    if problems:
        raise ParamsError("\n  ".join([f"{complaint}:", *problems]))


def _problems(name: str, trial: Trial, params: Params) -> Iterator[str]:
    """Yield a message for each mistake in a trial."""
    where, run = f"trials.{name}", params.runs.get(trial.run)
    if trial.run in params.left_out:
        reason = params.left_out[trial.run]
        remedy = "`make sweep SEEDS=1` ends the sweep"
        yield f"{where}.run: {trial.run} is left out, since {reason}; {remedy}"
        return
    if run is None:
        yield f"{where}.run: unknown run {trial.run!r}; allowed: {', '.join(params.runs)}"
        return
    if trial.mode != run.mode:
        yield f"{where}.mode: run {trial.run!r} is {run.mode}, not {trial.mode}"
    for corpus in sorted({*trial.changes.batch_size} - {*run.batch_size}):
        yield (
            f"{where}.changes.batch_size.{corpus}: run {trial.run!r} does not train on it; "
            f"allowed: {', '.join(run.corpora)}"
        )
    yield from inapplicable_keys(f"{where}.changes", changed(run, trial.changes))
    wanted = trial_name(trial.run, trial.seed, trial.changes)
    if name != wanted:
        yield f"{where}: its name must be {wanted}"
    if name in params.runs:
        yield f"{where}: there is a run with this name"


def trial_name(run: str, seed: int, changes: Changes) -> str:
    """Return the name of a trial: its run, the settings that differ, and its seed."""
    words: dict[str, float | None] = {
        "rate": changes.learning_rate,
        "dropout": changes.dropout,
        **dict(sorted(changes.batch_size.items())),
    }
    parts = [f"{word}{value!r}" for word, value in words.items() if value is not None]
    parts += [word for word in (changes.pair_encoding, changes.idle_heads) if word]
    name = "-".join([run, *parts, f"seed{seed}"])
    return name.replace(".", "p").replace("+", "")  # not allowed in a name: 0.1 becomes 0p1


def changed(run: RunParams, changes: Changes) -> RunParams:
    """Apply the settings of a trial to a copy of a run; the order of its corpora is unchanged."""
    settings = changes.model_dump(exclude_none=True)
    settings["batch_size"] = {**run.batch_size, **changes.batch_size}
    return run.model_copy(update=settings)


def with_trials(params: Params, trials: Mapping[str, Trial]) -> Params:
    """Return params with each trial added as a run.

    The seed in params.yaml still determines the corpora, tokens and features.
    """
    runs = {name: changed(params.run(trial.run), trial.changes) for name, trial in trials.items()}
    return params.model_copy(update={"runs": {**params.runs, **runs}})
