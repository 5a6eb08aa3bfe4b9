"""Stage train@<run>: tokens or features in, trained weights and their history out."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.left_out import write_no_training
from pipeline.params import load_params
from pipeline.training.run import train_run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a key of `runs` in params.yaml")
    name = parser.parse_args(argv).run
    params = load_params()
    if name in params.left_out:
        write_no_training(name, params.left_out[name])
        return
    train_run(params, name, backbone_dir=paths.BACKBONE, out=paths.run_dir(name))


if __name__ == "__main__":
    run_stage(main)
