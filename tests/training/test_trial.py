"""train_trial: its run's inputs under its own name and seed, and two files that stay of it."""

import shutil
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import md5_of, read_record, write_record
from pipeline.core.schemas import TRAIN, TRIALS
from pipeline.errors import TrainingError
from pipeline.plumbing.checkpoints import checkpoints_root, own_checkpoint
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.trials import Changes, Trial, changed
from pipeline.training import trial
from pipeline.training.run import Trained

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
TRIAL = Trial(run="sst-pretrain", mode="pretrain", seed=7, changes=Changes(dropout=0.1))
NAME = "sst-pretrain-dropout0p1-seed7"
KEPT = "training.safetensors"


def trained(params: Params, name: str, out: Path, inputs: Path) -> Trained:
    """Stand in for the training of a run; it notes in its summary what it was given, and found."""
    assert inputs == paths.inputs_json("sst-pretrain")
    with own_checkpoint(name, "a" * 16) as folder:
        goes_on = (folder / KEPT).exists()
        (folder / KEPT).touch()
        paths.run_weights(out).write_text("weights")
        paths.run_history(out).write_text("history")
        settings = params.run(name).model_dump()
        given = {"seed": params.seed, "settings": settings, "goes_on": goes_on}
        write_record(paths.run_summary(out), TRAIN, given)
    return Trained(folder, {})


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MINBERT_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trial, "train_run", trained)
    monkeypatch.setattr(trial, "score_dev", lambda *_: {"sst": {"score": 0.5}})


def train(name: str = NAME) -> Path:
    """Train a trial as DVC does, which has removed its outs; return its scores."""
    shutil.rmtree(paths.trial_dir(name), ignore_errors=True)
    trial.train_trial(PARAMS, name, TRIAL)
    return paths.trial_scores(paths.trial_dir(name))


def goes_on(scores: Path) -> bool:
    return bool(read_record(scores, TRIALS)["trained"]["goes_on"])


def names() -> set[str]:
    return {path.parent.name for path in paths.CHECKPOINTS.glob(f"*/{KEPT}")}


def test_scores_and_history_stay_and_no_weights() -> None:
    record = read_record(train(), TRIALS)
    folder = paths.trial_dir(NAME)
    assert {path.name for path in folder.iterdir()} == {"scores.json", "history.csv"}
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
    assert (record["trial"], record["run"]) == (NAME, "sst-pretrain")
    assert record["trained"]["seed"] == 7
    settings = changed(PARAMS.run("sst-pretrain"), TRIAL.changes)
    assert record["trained"]["settings"] == settings.model_dump()
    assert record["corpora"] == {"sst": {"score": 0.5}}


def test_its_checkpoint_stays_until_dvc_has_taken_it_in_and_another_trial_trains() -> None:
    unfinished = checkpoints_root() / f"{NAME}-{'b' * 16}"  # of other settings
    unfinished.mkdir(parents=True)
    (unfinished / KEPT).touch()
    paths.DVC_LOCK.write_text("md5: 0000")
    assert not goes_on(train())
    scores = train()
    assert goes_on(scores)
    train("another")
    assert names() == {f"{NAME}-{'a' * 16}", unfinished.name, f"another-{'a' * 16}"}
    paths.DVC_LOCK.write_text(f"md5: {md5_of(scores)}")
    train("another")
    assert names() == {unfinished.name, f"another-{'a' * 16}"}
    assert not goes_on(train())  # that was forced


def test_a_failure_leaves_nothing_and_keeps_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise TrainingError("a batch does not fit")

    monkeypatch.setattr(trial, "score_dev", refuse)
    with pytest.raises(TrainingError, match="does not fit"):
        train()
    assert list(paths.TRIED.iterdir()) == []
    assert names() == {f"{NAME}-{'a' * 16}"}
