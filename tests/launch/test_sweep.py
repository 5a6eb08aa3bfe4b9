"""What a sweep trains, and its two files: both are changed, or neither."""

from pathlib import Path

import pytest
import yaml

from pipeline.core import paths
from pipeline.errors import InputError, ParamsError
from pipeline.launch.sweep import (
    expected_seconds,
    kept_readings,
    prepare_graph,
    read_grid,
    readings_of,
    swept_runs,
    trials_of,
    write_trials,
)
from pipeline.plumbing.stage_times import StageTime
from pipeline.plumbing.trials import Changes, load_trials
from tests.full_disk import full_disk
from tests.params import PARAMS

SEED = PARAMS.seed


def test_a_sweep_uses_the_seeds_after_the_runs_own() -> None:
    trials = trials_of(PARAMS, ["sst-pretrain", "sts-pretrain"], 3, {})
    found = [(t.run, t.mode, t.seed - SEED, t.has_changes) for t in trials.values()]
    runs = ("sst-pretrain", "sts-pretrain")
    assert found == [(run, "pretrain", more, False) for run in runs for more in (1, 2)]
    assert trials_of(PARAMS, list(PARAMS.runs), 1, {}) == {}


def test_a_grid_has_every_combination_and_seed_except_the_run_itself() -> None:
    grid = read_grid("learning_rate=1e-5,2e-5 dropout=0.3,0.1,0.1")
    trials = trials_of(PARAMS, ["sst-finetune"], 2, grid)
    rates, dropouts = (None, 2e-5), (None, 0.1)  # None: the run's own
    wanted = {
        (rate, dropout, SEED + more) for rate in rates for dropout in dropouts for more in (0, 1)
    }
    changes = {(t.changes.learning_rate, t.changes.dropout, t.seed) for t in trials.values()}
    assert changes == wanted - {(None, None, SEED)}
    assert len(trials) == len(changes)


def test_batch_sizes_are_changed_one_corpus_at_a_time() -> None:
    grid = read_grid("batch_size.sst=64,32 batch_size.sts=8")
    trials = trials_of(PARAMS, ["multitask-pretrain"], 1, grid)
    assert [trial.changes for trial in trials.values()] == [
        Changes(batch_size={"sts": 8}),
        Changes(batch_size={"sst": 32, "sts": 8}),
    ]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("", "a grid is written like"),
        ("learning_rate", "a grid is written like .*, not 'learning_rate'"),
        ("dropout=0.1 dropout=0.2", "not 'dropout=0.2'"),
        ("mode=finetune", "'mode' cannot be tried; what can: learning_rate, dropout, batch_size"),
        ("batch_size=8", "'batch_size' cannot be tried"),
        ("learning_rate=1e-5,", "learning_rate: '' is no number"),
        ("batch_size.sst=8.5", "batch_size.sst: '8.5' is no whole number"),
    ],
)
def test_an_empty_or_invalid_grid_is_rejected(grid: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_grid(grid)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("dropout=1.5", r"this sweep is not valid:\n  changes.dropout: Input should be less than"),
        ("batch_size.sts=8", "run 'sst-finetune' does not train on it; allowed: sst"),
    ],
)
def test_an_invalid_value_is_named_by_its_key(grid: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        trials_of(PARAMS, ["sst-finetune"], 1, read_grid(grid))


def test_a_seed_in_place_of_a_number_of_seeds_is_too_large() -> None:
    with pytest.raises(InputError, match="this sweep has 117,110 trainings"):
        trials_of(PARAMS, list(PARAMS.runs), SEED, {})


def test_runs_are_those_with_a_row_or_the_named_ones_in_params_order() -> None:
    assert swept_runs(PARAMS, None) == list(PARAMS.runs)
    assert swept_runs(PARAMS, "sts-pretrain, cfimdb-pretrain") == [
        "cfimdb-pretrain",
        "sts-pretrain",
    ]
    with pytest.raises(ParamsError, match="unknown run 'sst'"):
        swept_runs(PARAMS, "sst")
    with pytest.raises(InputError, match="no run is named"):
        swept_runs(PARAMS, ",")


def test_a_run_without_a_row_cannot_be_swept() -> None:
    rows = {n: row for n, row in PARAMS.configurations.items() if row.run != "sst-pretrain"}
    params = PARAMS.model_copy(update={"configurations": rows})
    assert "sst-pretrain" not in swept_runs(params, None)
    with pytest.raises(InputError, match="sst-pretrain has no row in `configurations`"):
        swept_runs(params, "sst-pretrain")


GRID = (
    "learning_rate=1e-5,2.5e-7,0.000012345,1e16 dropout=0.1 batch_size.sst=8 "
    "pair_encoding=joint,separate idle_heads=step,skip"
)


@pytest.mark.usefixtures("three_files")
def test_a_sweep_changes_both_files_and_ending_it_restores_them() -> None:
    before = [path.read_bytes() for path in (paths.TRIALS, paths.DVC_YAML)]
    trials = trials_of(PARAMS, ["multitask-finetune"], 2, read_grid(GRID))
    write_trials(PARAMS, trials)
    assert load_trials(PARAMS) == trials
    prepare_graph(PARAMS, trials)
    numbers = yaml.safe_load(paths.TRIALS.read_text())["trials"].values()  # YAML 1.1
    assert all(isinstance(t["changes"].get("learning_rate", 0.0), float) for t in numbers)
    write_trials(PARAMS, {})
    assert [path.read_bytes() for path in (paths.TRIALS, paths.DVC_YAML)] == before


@pytest.mark.parametrize("after", [100, 2000])  # bytes: more than trials.yaml, less than dvc.yaml
def test_a_full_disk_leaves_both_files_unchanged(three_files: Path, after: int) -> None:
    before = {path: path.read_bytes() for path in three_files.iterdir()}
    trials = trials_of(PARAMS, ["sst-finetune"], 2, {})
    with full_disk(after), pytest.raises(OSError, match="File too large"):
        write_trials(PARAMS, trials)
    assert {path: path.read_bytes() for path in three_files.iterdir()} == before


@pytest.mark.usefixtures("three_files")
@pytest.mark.parametrize(
    "text", ["", "stages: []", "stages: {report: {cmd: x}}", "stages: {}", "a: ["]
)
def test_a_graph_without_its_lists_is_reported_and_nothing_is_written(text: str) -> None:
    paths.DVC_YAML.write_text(text)
    before = paths.TRIALS.read_bytes()
    with pytest.raises(InputError, match=r"dvc\.yaml has no lists where they are expected"):
        write_trials(PARAMS, trials_of(PARAMS, ["sst-finetune"], 2, {}))
    assert (paths.TRIALS.read_bytes(), paths.DVC_YAML.read_text()) == (before, text)


@pytest.mark.usefixtures("three_files")
def test_one_file_changed_alone_is_reported() -> None:
    trials = trials_of(PARAMS, ["sst-finetune"], 3, {})
    with pytest.raises(InputError, match=f"differ in sst-finetune-seed{SEED + 1} and others; run"):
        prepare_graph(PARAMS, trials)
    write_trials(PARAMS, trials)
    with pytest.raises(InputError, match="run `make sweep`, or `make graph`"):
        prepare_graph(PARAMS, {})


@pytest.mark.usefixtures("here")
def test_the_time_of_a_new_trial_is_estimated_from_its_run() -> None:
    trials = trials_of(PARAMS, ["sst-pretrain", "sts-pretrain"], 3, {})
    known = f"trials@sst-pretrain-seed{SEED + 2}"
    last = {"train@sst-pretrain": 2.0, "evaluate@sst-pretrain": 1.0, known: 1.5}
    for stage, seconds in last.items():
        StageTime(stage=stage, seconds=seconds).write(paths.stage_time(PARAMS.profile, stage))
    new = {f"trials@sst-pretrain-seed{SEED + 1}": 3.0}
    assert expected_seconds(PARAMS, trials) == last | new


def test_each_run_gets_the_readings_that_it_does_not_use() -> None:
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


def test_a_run_with_the_second_reading_gets_the_first() -> None:
    run = PARAMS.run("sts-finetune").model_copy(update={"pair_encoding": "separate"})
    runs = {**PARAMS.runs, "sts-finetune": run}
    readings = readings_of(PARAMS.model_copy(update={"runs": runs}))
    assert readings[f"sts-finetune-joint-seed{SEED}"].changes == Changes(pair_encoding="joint")
    assert f"sts-finetune-separate-seed{SEED}" not in readings


@pytest.mark.usefixtures("three_files")
def test_a_sweep_keeps_only_the_trials_of_readings() -> None:
    assert kept_readings(PARAMS) == {}
    name = f"sts-finetune-separate-seed{SEED}"
    swept = trials_of(PARAMS, ["sts-finetune"], 2, read_grid("pair_encoding=joint,separate"))
    assert set(swept) > {name}
    write_trials(PARAMS, swept)
    assert kept_readings(PARAMS) == {name: swept[name]}


@pytest.mark.usefixtures("three_files")
def test_a_file_that_is_not_valid_has_no_readings_to_keep() -> None:
    write_trials(PARAMS, readings_of(PARAMS))
    paths.TRIALS.write_text(paths.TRIALS.read_text().replace("separate}", "apart}", 1))
    assert kept_readings(PARAMS) == {}
