"""The trials of the readings: those that no run has itself, and which of them a sweep keeps."""

import shutil
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.launch.readings import kept_readings, readings_of
from pipeline.launch.sweep import read_grid, trials_of, write_trials
from pipeline.plumbing.params import Params, load_params
from pipeline.plumbing.trials import Changes

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")
SEED = PARAMS.seed


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (paths.PARAMS, paths.TRIALS, paths.DVC_YAML):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)


def with_run(params: Params, name: str, **changes: str) -> Params:
    run = params.run(name).model_copy(update=changes)
    return params.model_copy(update={"runs": {**params.runs, name: run}})


def test_pair_runs_get_the_other_encoding_and_multitask_runs_the_other_idle_heads() -> None:
    assert list(readings_of(PARAMS)) == [
        f"quora-pretrain-separate-seed{SEED}",
        f"sts-pretrain-separate-seed{SEED}",
        f"quora-finetune-separate-seed{SEED}",
        f"sts-finetune-separate-seed{SEED}",
        f"multitask-pretrain-separate-seed{SEED}",
        f"multitask-pretrain-skip-seed{SEED}",
        f"multitask-finetune-separate-seed{SEED}",
        f"multitask-finetune-skip-seed{SEED}",
    ]


def test_a_run_that_has_the_other_reading_itself_gets_the_first() -> None:
    readings = readings_of(with_run(PARAMS, "sts-finetune", pair_encoding="separate"))
    assert readings[f"sts-finetune-joint-seed{SEED}"].changes == Changes(pair_encoding="joint")
    assert f"sts-finetune-separate-seed{SEED}" not in readings


def test_a_sweep_keeps_the_readings_that_are_there_and_no_other_trial() -> None:
    assert kept_readings(PARAMS) == {}
    name = f"sts-finetune-separate-seed{SEED}"
    swept = trials_of(PARAMS, ["sts-finetune"], 2, read_grid("pair_encoding=joint,separate"))
    assert set(swept) > {name}
    write_trials(PARAMS, swept)
    assert kept_readings(PARAMS) == {name: swept[name]}


def test_a_file_that_is_not_valid_has_no_readings_to_keep() -> None:
    write_trials(PARAMS, readings_of(PARAMS))
    paths.TRIALS.write_text(paths.TRIALS.read_text().replace("separate}", "apart}", 1))
    assert kept_readings(PARAMS) == {}
