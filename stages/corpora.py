"""Stage corpora: the four corpora of the profile in force, in one schema."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.corpora.sources import write_corpora
from pipeline.params import load_params


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    params = load_params()
    write_corpora(params.active.corpora, seed=params.seed, out=paths.CORPORA)


if __name__ == "__main__":
    run_stage(main)
