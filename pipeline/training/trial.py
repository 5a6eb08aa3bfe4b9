"""One trial: trains a run again with another seed or other settings, and scores it.

A trial keeps neither weights nor predictions and does not use the test sets. A sweep measures only
the spread of the scores, and forty finetuned backbones would take several GB.
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

    A trial that was killed resumes from its checkpoint, even if it was already scored, because
    DVC may be killed before it stores the scores.

    Returns:
        What the training did, for the time record of the stage.

    Raises:
        TrainingError: a file that its run reads is missing or has changed.
        StopError: a signal asked this process to stop; the trial can be resumed.
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
