"""Runs before the graph: checks params.yaml, and switches to another profile if one is named."""

import argparse

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.plumbing.params import load_params, switch_profile


def main(argv: list[str]) -> None:
    """Reject params with which no run could start; switch the profile if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", nargs="?", help="a key of `profiles` in params.yaml")
    name = parser.parse_args(argv).profile
    load_params()
    if name:
        switch_profile(name, paths.PARAMS)


if __name__ == "__main__":
    run_stage(main)
