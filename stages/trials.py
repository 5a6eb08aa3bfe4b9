"""Stage trials@<trial>: train a run again with another seed or other settings, and score it."""

from collections.abc import Mapping
from typing import Any

from pipeline.plumbing.entry import run_stage
from pipeline.errors import ParamsError
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials
from pipeline.training.trial import train_trial


def main(name: str) -> Mapping[str, Any]:
    params = load_params()
    trials = load_trials(params)
    if name not in trials:
        raise ParamsError(f"unknown trial {name!r}; trials.yaml has: {', '.join(trials) or 'none'}")
    return train_trial(params, name, trials[name])


if __name__ == "__main__":
    run_stage(main, "trial")
