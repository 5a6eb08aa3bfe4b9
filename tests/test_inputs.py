"""Inputs: a run's list changes exactly when something that run reads changes."""

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.errors import TrainingError
from pipeline.inputs import check_inputs, listed_files, write_inputs
from pipeline.params import RunParams
from pipeline.tasks import Mode


def run_of(mode: Mode, *corpora: str) -> RunParams:
    return RunParams(
        mode=mode,
        learning_rate=1e-3,
        batch_size=dict.fromkeys(corpora, 8),
        dropout=0.3,  # type: ignore[arg-type]
        pair_encoding="joint" if "sts" in corpora else None,
    )


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths.BACKBONE.mkdir(parents=True)
    for kind, names in (
        ("tokens", ("sst", "sts")),
        ("features", ("sst", "sts-joint", "sts-separate")),
    ):
        for name in names:
            (paths.DATA / kind / name).mkdir(parents=True)
            (paths.DATA / kind / name / "a.npy").write_text(f"{kind}/{name}")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (paths.BACKBONE / name).write_text(name)


@pytest.mark.parametrize(
    ("run", "changed", "matters"),
    [
        (run_of("pretrain", "sst"), "features/sst/a.npy", True),
        (run_of("pretrain", "sst"), "tokens/sst/a.npy", True),
        (run_of("pretrain", "sst"), "features/sts-joint/a.npy", False),
        (run_of("pretrain", "sts"), "features/sts-joint/a.npy", True),
        (run_of("pretrain", "sst"), "backbone/model.safetensors", False),
        (run_of("finetune", "sst"), "features/sst/a.npy", False),
        (run_of("finetune", "sst"), "backbone/model.safetensors", True),
        (run_of("finetune", "sst"), "tokens/sts/a.npy", False),
        (run_of("finetune", "sst", "sts"), "tokens/sts/a.npy", True),
    ],
)
def test_list_changes_with_what_the_run_reads(run: RunParams, changed: str, matters: bool) -> None:
    out = paths.inputs_json("x")
    write_inputs("x", run, out)
    before = out.read_text()
    check_inputs(out, run.pair_encoding)
    (paths.DATA / changed).write_text("other")
    if matters:
        with pytest.raises(TrainingError, match=f"{changed} has changed since.*run `dvc repro`"):
            check_inputs(out, run.pair_encoding)
    else:
        check_inputs(out, run.pair_encoding)
    write_inputs("x", run, out)
    assert (out.read_text() != before) == matters


def test_missing_file_is_named() -> None:
    write_inputs("x", run_of("finetune", "sst"), paths.inputs_json("x"))
    (paths.BACKBONE / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"model\.safetensors is missing; run `dvc repro`"):
        check_inputs(paths.inputs_json("x"), None)


def test_missing_list_is_named() -> None:
    with pytest.raises(TrainingError, match=r"data/inputs/y\.json is missing or damaged"):
        check_inputs(paths.inputs_json("y"), None)


def test_the_list_has_what_a_trial_with_the_other_encoding_reads() -> None:
    out = paths.inputs_json("x")
    write_inputs("x", run_of("pretrain", "sst", "sts"), out)
    joint, separate = listed_files(out, "joint"), listed_files(out, "separate")
    assert {*joint} - {*separate} == {"data/features/sts-joint/a.npy"}
    assert {*separate} - {*joint} == {"data/features/sts-separate/a.npy"}
    (paths.DATA / "features/sts-separate/a.npy").write_text("other")
    check_inputs(out, "joint")
    with pytest.raises(TrainingError, match=r"sts-separate/a\.npy has changed"):
        check_inputs(out, "separate")


def test_a_run_without_pairs_has_one_list() -> None:
    out = paths.inputs_json("x")
    write_inputs("x", run_of("pretrain", "sst"), out)
    assert listed_files(out, None) != {}
    assert listed_files(out, "separate") == {}
