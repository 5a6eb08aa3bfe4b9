"""Stage evaluate@<run>: score a trained run, and write its predictions."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.evaluation.scores import evaluate_run
from pipeline.plumbing.checkpoints import remove_finished
from pipeline.plumbing.params import load_params
from pipeline.tokens.left_out import write_left_out


def main(name: str) -> None:
    params = load_params()
    if not write_left_out(params, name, paths.scores_json(name), paths.predictions_dir(name)):
        evaluate_run(params, name, run_dir=paths.run_dir(name), backbone_dir=paths.BACKBONE)
    remove_finished()


if __name__ == "__main__":
    run_stage(main, "run")
