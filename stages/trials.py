"""Stage trials@<trial>: a run trained once more, with another seed or settings, and scored."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.params import load_params
from pipeline.training.trial import train_trial
from pipeline.trials import load_trials, trial_of


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", help="a key of `trials` in trials.yaml")
    name = parser.parse_args(argv).trial
    params = load_params()
    trial = trial_of(load_trials(params), name)
    train_trial(params, name, trial, backbone_dir=paths.BACKBONE)


if __name__ == "__main__":
    run_stage(main)
