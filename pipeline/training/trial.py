"""One trial: a run trained once more with another seed or settings, and what it scores.

Its weights, the predictions they give and the test sets are left alone: a sweep asks how far scores
spread, and forty finetuned backbones are several GB.
"""

from pathlib import Path

from pipeline import paths
from pipeline.checkpoints import checkpoints_root, forget_finished, mark_finished, others_of
from pipeline.errors import SchemaError
from pipeline.evaluation.scores import read_summary, score_dev
from pipeline.files import md5_of, read_record, replacing_folder, sha256_of, write_record
from pipeline.params import Params
from pipeline.schemas import FINISHED, TRIALS
from pipeline.training.run import train_run
from pipeline.trials import Trial, with_trial


def train_trial(params: Params, name: str, trial: Trial, backbone_dir: Path) -> None:
    """Train a trial and write its scores and history into `paths.trial_dir(name)`.

    One that was killed goes on from its last checkpoint. That stays when the scores are there: DVC,
    which is to take them in, may be killed too. The next trial to be trained removes it.

    Raises:
        TrainingError: what its run reads is missing or has changed.
        StopError: this process was asked to stop; the trial can go on from there.
    """
    _forget_taken_in()
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
        _mark_scored(name, weights, paths.trial_scores(folder))
        weights.unlink()
        summary.unlink()


def _mark_scored(name: str, weights: Path, scores: Path) -> None:
    """Note of the checkpoint that weights came of to which scores they led.

    DVC never sees a trial's weights: whether it has taken the trial in, its scores tell.
    """
    came_of_it = sha256_of(weights)
    for folder in others_of(name, checkpoints_root()):  # than the root: all of this name
        try:
            record = read_record(folder / "finished.json", FINISHED)
        except (OSError, ValueError, SchemaError):
            continue  # not finished, or not by us
        if record.get("weights") == came_of_it:
            mark_finished(folder, scores)


def _forget_taken_in() -> None:
    """Remove the checkpoints of all trials whose scores DVC has in its lock file."""
    root = checkpoints_root()
    if not (root.is_dir() and paths.DVC_LOCK.is_file()):
        return
    locked = paths.DVC_LOCK.read_text(encoding="utf-8")
    for name in {folder.name.rpartition("-")[0] for folder in root.iterdir()}:
        scores = paths.trial_scores(paths.trial_dir(name))
        try:
            if md5_of(scores) in locked:
                forget_finished(name, scores)
        except OSError:
            continue  # of a run, or of a trial that another process trains
