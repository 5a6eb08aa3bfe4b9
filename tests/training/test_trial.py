"""train_trial: the inputs of its run, its own name and seed, and two files as a result.

tests/end_to_end/test_repro.py tests that a killed trial resumes until DVC has its result.
"""

from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.records import DevScore, RunScores, RunSummary, TrialScores
from pipeline.errors import TrainingError
from pipeline.plumbing.checkpoints import own_checkpoint
from pipeline.plumbing.params import Params
from pipeline.plumbing.trials import Changes, Trial, changed
from pipeline.training import trial
from pipeline.training.run import Trained
from tests.params import PARAMS

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "reports/demo/records"
SUMMARY = RunSummary.read(RECORDS / "runs/sst-pretrain/run.json")
SCORES = RunScores.read(RECORDS / "scores/sst-pretrain.json").corpora["sst"]
SCORE = DevScore(**{name: getattr(SCORES, name) for name in DevScore.model_fields})
TRIAL = Trial(run="sst-pretrain", mode="pretrain", seed=7, changes=Changes(dropout=0.1))
NAME = "sst-pretrain-dropout0p1-seed7"
KEPT = "training.safetensors"


def trained(params: Params, name: str, out: Path, inputs: Path) -> Trained:
    """Replace the training of a run by a function that records its arguments in the summary."""
    assert inputs == paths.inputs_json("sst-pretrain")
    with own_checkpoint(name, "a" * 16) as folder:
        (folder / KEPT).touch()
        (out / paths.WEIGHTS).write_text("weights")
        (out / paths.HISTORY).write_text("history")
        settings = params.run(name).model_dump() | {"seed": params.seed}
        SUMMARY.model_copy(update=settings).write(out / paths.RUN_SUMMARY)
    return Trained(folder, {})


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MINBERT_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trial, "train_run", trained)
    monkeypatch.setattr(trial, "score_dev", lambda *_: {"sst": SCORE})


def test_scores_and_history_are_kept_but_no_weights() -> None:
    folder = paths.trial_dir(NAME)
    trial.train_trial(PARAMS, NAME, TRIAL)
    record = TrialScores.read(folder / paths.TRIAL_SCORES)
    assert {path.name for path in folder.iterdir()} == {"scores.json", "history.csv"}
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
    assert (record.trial, record.run) == (NAME, "sst-pretrain")
    assert record.trained.seed == 7
    settings = changed(PARAMS.run("sst-pretrain"), TRIAL.changes).model_dump()
    assert settings.items() <= record.trained.model_dump().items()
    assert record.corpora == {"sst": SCORE}


def test_a_failure_leaves_nothing_and_keeps_the_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TrainingError("a batch does not fit")

    monkeypatch.setattr(trial, "score_dev", refuse)
    with pytest.raises(TrainingError, match="does not fit"):
        trial.train_trial(PARAMS, NAME, TRIAL)
    assert list(paths.TRIED.iterdir()) == []
    assert (paths.CHECKPOINTS / f"{NAME}-{'a' * 16}" / KEPT).exists()
