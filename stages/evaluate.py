"""Stage evaluate@<run>: a trained run in, its scores and predictions out."""

import argparse

from stages.entry import run_stage
from pipeline import paths
from pipeline.checkpoints import forget_finished
from pipeline.evaluation.scores import evaluate_run
from pipeline.left_out import write_no_scores
from pipeline.params import load_params


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a key of `runs` in params.yaml")
    name = parser.parse_args(argv).run
    params = load_params()
    if name in params.left_out:
        write_no_scores(name, params.left_out[name])
        return
    run_dir = paths.run_dir(name)
    evaluate_run(params, name, run_dir=run_dir, backbone_dir=paths.BACKBONE)
    forget_finished(name, paths.run_weights(run_dir))


if __name__ == "__main__":
    run_stage(main)
