"""One trial: a run trained once more with another seed or settings, and what it scores.

Its weights, the predictions they give and the test sets are left alone: a sweep asks how far scores
spread, and forty finetuned backbones are several GB.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.core import paths
from pipeline.core.files import replacing_folder
from pipeline.core.records import TrialScores, TrialSummary
from pipeline.evaluation.scores import read_summary, score_dev
from pipeline.plumbing.checkpoints import mark_finished
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Trial, with_trials
from pipeline.training.run import train_run


def train_trial(params: Params, name: str, trial: Trial) -> Mapping[str, Any]:
    """Train a trial and write its scores and history into `paths.trial_dir(name)`.

    One that was killed goes on from its checkpoint, even once it is scored: DVC, which is to take
    the scores in, may be killed too.

    Returns:
        What the training did, for the record of the stage's time.

    Raises:
        TrainingError: what its run reads is missing or has changed.
        StopError: this process was asked to stop; the trial can go on from there.
    """
    own = with_trials(params, {name: trial}).model_copy(update={"seed": trial.seed})
    inputs = paths.inputs_json(trial.run)
    with replacing_folder(paths.trial_dir(name)) as folder:
        trained = train_run(own, name, folder, inputs)
        summary = read_summary(folder / paths.RUN_SUMMARY)
        scores = TrialScores(
            trial=name,
            run=trial.run,
            trained=TrialSummary(**dict(summary)),
            corpora=score_dev(own, name, inputs, folder, paths.BACKBONE),
        )
        scores.write(folder / paths.TRIAL_SCORES)
        mark_finished(trained.checkpoint, folder / paths.TRIAL_SCORES)
        (folder / paths.WEIGHTS).unlink()
        (folder / paths.RUN_SUMMARY).unlink()
    return trained.facts
