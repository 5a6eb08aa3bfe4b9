"""Stage trials@<trial>: a run trained once more, with another seed or settings, and scored."""

import argparse
from collections.abc import Mapping
from typing import Any

from pipeline.plumbing.entry import run_stage
from pipeline.plumbing.params import load_params
from pipeline.plumbing.trials import load_trials
from pipeline.training.trial import train_trial


def main(argv: list[str]) -> Mapping[str, Any]:
    params = load_params()
    trials = load_trials(params)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", choices=trials, help="a key of `trials` in trials.yaml")
    name = parser.parse_args(argv).trial
    return train_trial(params, name, trials[name])


if __name__ == "__main__":
    run_stage(main)
