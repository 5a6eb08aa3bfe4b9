"""train_trial: its run's inputs under its own name and seed, and two files that stay of it.

That a killed one goes on until DVC has taken it in is in tests/end_to_end/test_repro.py.
"""

from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import read_record, write_record
from pipeline.core.schemas import TRAIN, TRIALS
from pipeline.errors import TrainingError
from pipeline.plumbing.checkpoints import own_checkpoint
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.trials import Changes, Trial, changed
from pipeline.training import trial
from pipeline.training.run import Trained

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
TRIAL = Trial(run="sst-pretrain", mode="pretrain", seed=7, changes=Changes(dropout=0.1))
NAME = "sst-pretrain-dropout0p1-seed7"
KEPT = "training.safetensors"


def trained(params: Params, name: str, out: Path, inputs: Path) -> Trained:
    """Stand in for the training of a run; it notes in its summary what it was given."""
    assert inputs == paths.inputs_json("sst-pretrain")
    with own_checkpoint(name, "a" * 16) as folder:
        (folder / KEPT).touch()
        paths.run_weights(out).write_text("weights")
        paths.run_history(out).write_text("history")
        settings = params.run(name).model_dump()
        write_record(paths.run_summary(out), TRAIN, {"seed": params.seed, "settings": settings})
    return Trained(folder, {})


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MINBERT_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trial, "train_run", trained)
    monkeypatch.setattr(trial, "score_dev", lambda *_: {"sst": {"score": 0.5}})


def test_scores_and_history_stay_and_no_weights() -> None:
    folder = paths.trial_dir(NAME)
    trial.train_trial(PARAMS, NAME, TRIAL)
    record = read_record(paths.trial_scores(folder), TRIALS)
    assert {path.name for path in folder.iterdir()} == {"scores.json", "history.csv"}
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
    assert (record["trial"], record["run"]) == (NAME, "sst-pretrain")
    assert record["trained"]["seed"] == 7
    settings = changed(PARAMS.run("sst-pretrain"), TRIAL.changes)
    assert record["trained"]["settings"] == settings.model_dump()
    assert record["corpora"] == {"sst": {"score": 0.5}}


def test_a_failure_leaves_nothing_and_keeps_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise TrainingError("a batch does not fit")

    monkeypatch.setattr(trial, "score_dev", refuse)
    with pytest.raises(TrainingError, match="does not fit"):
        trial.train_trial(PARAMS, NAME, TRIAL)
    assert list(paths.TRIED.iterdir()) == []
    assert (paths.CHECKPOINTS / f"{NAME}-{'a' * 16}" / KEPT).exists()
