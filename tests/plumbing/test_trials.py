"""trials.yaml: rejected trials, names that contain all settings, and the settings of runs."""

from pathlib import Path

import pytest

from pipeline.errors import ParamsError
from pipeline.plumbing.trials import Changes, Trial, changed, load_trials, trial_name, with_trials
from tests.params import PARAMS, ROOT

GOOD = """\
trials:
  sst-finetune-rate2e-05-seed7:
    {run: sst-finetune, mode: finetune, seed: 7, changes: {learning_rate: 2.0e-05}}
"""
NAME = "sst-finetune-rate2e-05-seed7"


def write(folder: Path, text: str) -> Path:
    path = folder / "trials.yaml"
    path.write_text(text)
    return path


def test_a_trial_is_read_by_its_name(tmp_path: Path) -> None:
    assert load_trials(PARAMS, ROOT / "trials.yaml") == {}  # the committed file
    trials = load_trials(PARAMS, write(tmp_path, GOOD))
    assert list(trials) == [NAME]
    trial = trials[NAME]
    assert (trial.seed, trial.changes.learning_rate, trial.has_changes) == (7, 2e-05, True)


RATE = "learning_rate: 2.0e-05"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("run: sst-finetune", "run: sst", "seed7.run: unknown run 'sst'; allowed: cfimdb-"),
        ("mode: finetune", "mode: pretrain", "seed7.mode: run 'sst-finetune' is finetune"),
        ("seed: 7", "seed: -7", "seed7.seed: Input should be greater than or equal to 0, not -7"),
        (RATE, "lerning_rate: 1", "changes.lerning_rate: unknown key"),
        (RATE, "batch_size: {sts: 8}", "batch_size.sts: run 'sst-finetune' does not train on it"),
        (RATE, "batch_size: {sst: 0}", "batch_size.sst: Input should be"),
        (RATE, "idle_heads: skip", "changes.idle_heads: only for runs with several heads"),
        (", changes: {learning_rate: 2.0e-05}", "", "seed7.changes: Field required"),
        ("2.0e-05", "2", "changes.learning_rate: write 2.0, not 2: to DVC, these are different"),
        ("seed: 7", "seed: 8", "its name must be sst-finetune-rate2e-05-seed8"),
        ("trials:", "trails:", "trials: Field required"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ParamsError) as refused:
        load_trials(PARAMS, write(tmp_path, GOOD.replace(old, new, 1)))
    assert message in str(refused.value)
    assert "trials.yaml is not valid" in str(refused.value)


def test_a_trial_with_the_name_of_a_run_is_rejected(tmp_path: Path) -> None:
    runs = {**PARAMS.runs, NAME: PARAMS.runs["sst-finetune"]}
    with pytest.raises(ParamsError, match=f"{NAME}: there is a run with this name"):
        load_trials(PARAMS.model_copy(update={"runs": runs}), write(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("changes", "name", "is_reading"),
    [
        (Changes(), "a-seed7", False),
        (Changes(learning_rate=1.5e-05), "a-rate1p5e-05-seed7", False),
        (Changes(learning_rate=1.0), "a-rate1p0-seed7", False),
        (Changes(learning_rate=1e20, dropout=0.25), "a-rate1e20-dropout0p25-seed7", False),
        (Changes(dropout=0.0), "a-dropout0p0-seed7", False),
        (Changes(batch_size={"sts": 8, "quora": 4}), "a-quora4-sts8-seed7", False),
        (Changes(pair_encoding="separate"), "a-separate-seed7", True),
        (Changes(idle_heads="skip"), "a-skip-seed7", True),
        (Changes(pair_encoding="separate", idle_heads="skip"), "a-separate-skip-seed7", False),
        (Changes(pair_encoding="separate", dropout=0.1), "a-dropout0p1-separate-seed7", False),
    ],
)
def test_the_name_of_a_trial_contains_all_its_settings(
    changes: Changes, name: str, is_reading: bool
) -> None:
    assert trial_name("a", 7, changes) == name
    assert changes.is_reading == is_reading


def test_with_trials_makes_runs_that_keep_unchanged_settings() -> None:
    run, changes = PARAMS.run("multitask-pretrain"), Changes(dropout=0.1, batch_size={"sts": 8})
    trial = Trial(run="multitask-pretrain", mode="pretrain", seed=5, changes=changes)
    params = with_trials(PARAMS, {"one": trial})
    new = params.run("one")
    assert new == changed(run, changes)
    assert (new.dropout, new.learning_rate, new.mode) == (0.1, run.learning_rate, run.mode)
    assert new.batch_size == {**run.batch_size, "sts": 8}
    assert new.corpora == run.corpora  # the order of turns
    assert changed(run, Changes()) == run
    assert params.model_copy(update={"runs": PARAMS.runs}) == PARAMS
