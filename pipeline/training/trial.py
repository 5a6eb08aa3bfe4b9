"""One trial: a run trained once more with another seed or settings, and what it scores.

Its weights, the predictions they give and the test sets are left alone: a sweep asks how far scores
spread, and forty finetuned backbones are several GB.
"""

from pathlib import Path

from pipeline import paths
from pipeline.checkpoints import forget_finished
from pipeline.evaluation.scores import read_summary, score_dev
from pipeline.files import replacing_folder, write_record
from pipeline.params import Params
from pipeline.schemas import TRIALS
from pipeline.training.run import train_run
from pipeline.trials import Trial, with_trial


def train_trial(params: Params, name: str, trial: Trial, backbone_dir: Path) -> None:
    """Train a trial and write its scores and history into `paths.trial_dir(name)`.

    One that was killed goes on from its last checkpoint, which goes when the scores are there.

    Raises:
        TrainingError: what its run reads is missing or has changed.
        StopError: this process was asked to stop; the trial can go on from there.
    """
    own, inputs = with_trial(params, name, trial), paths.inputs_json(trial.run)
    with replacing_folder(paths.trial_dir(name)) as folder:
        train_run(own, name, backbone_dir, folder, inputs)
        weights, summary = paths.run_weights(folder), paths.run_summary(folder)
        record = {
            "trial": name,
            "run": trial.run,
            "trained": read_summary(summary),
            "corpora": score_dev(own, name, inputs, folder, backbone_dir),
        }
        write_record(paths.trial_scores(folder), TRIALS, record)
        forget_finished(name, weights)
        weights.unlink()
        summary.unlink()
