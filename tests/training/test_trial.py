"""train_trial: its run's inputs under its own name and seed, and two files that stay of it."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import paths
from pipeline.errors import TrainingError
from pipeline.files import read_record, write_record
from pipeline.params import Params, load_params
from pipeline.schemas import TRAIN, TRIALS
from pipeline.training import trial
from pipeline.trials import Changes, Trial, changed

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
TRIAL = Trial(run="sst-pretrain", mode="pretrain", seed=7, changes=Changes(dropout=0.1))
NAME = "sst-pretrain-dropout0p1-seed7"


def trained(params: Params, name: str, backbone_dir: Path, out: Path, inputs: Path) -> None:
    """Stand in for the training of a run; it notes in its summary what it was given."""
    assert inputs == paths.inputs_json("sst-pretrain")
    paths.run_weights(out).write_text("weights")
    paths.run_history(out).write_text("history")
    told = {"seed": params.seed, "settings": params.run(name).model_dump()}
    write_record(paths.run_summary(out), TRAIN, told)


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trial, "train_run", trained)
    monkeypatch.setattr(trial, "score_dev", lambda *_: {"sst": {"score": 0.5}})


def test_scores_and_history_stay_and_no_weights() -> None:
    trial.train_trial(PARAMS, NAME, TRIAL, Path("backbone"))
    folder = paths.trial_dir(NAME)
    assert {path.name for path in folder.iterdir()} == {"scores.json", "history.csv"}
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
    record = read_record(paths.trial_scores(folder), TRIALS)
    assert (record["trial"], record["run"]) == (NAME, "sst-pretrain")
    assert record["trained"]["seed"] == 7
    settings = changed(PARAMS.run("sst-pretrain"), TRIAL.changes)
    assert record["trained"]["settings"] == settings.model_dump()
    assert record["corpora"] == {"sst": {"score": 0.5}}


def test_its_checkpoint_goes_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Any] = []

    def forget(name: str, weights: Path) -> None:
        assert weights.read_text() == "weights"
        forgotten.append(name)

    monkeypatch.setattr(trial, "forget_finished", forget)
    trial.train_trial(PARAMS, NAME, TRIAL, Path("backbone"))
    assert forgotten == [NAME]


def test_a_failure_leaves_nothing_and_keeps_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise TrainingError("a batch does not fit")

    monkeypatch.setattr(trial, "score_dev", refuse)
    monkeypatch.setattr(trial, "forget_finished", refuse)
    with pytest.raises(TrainingError, match="does not fit"):
        trial.train_trial(PARAMS, NAME, TRIAL, Path("backbone"))
    assert list(paths.TRIED.iterdir()) == []
