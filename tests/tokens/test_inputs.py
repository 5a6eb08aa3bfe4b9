"""Inputs: a run's list changes exactly when something that run reads changes."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.tasks import Mode
from pipeline.errors import TrainingError
from pipeline.plumbing.params import RunParams
from pipeline.tokens.inputs import check_files, listed_files, write_inputs


def run_of(mode: Mode, *corpora: str) -> RunParams:
    return RunParams(
        mode=mode,
        learning_rate=1e-3,
        batch_size=dict.fromkeys(corpora, 8),
        dropout=0.3,  # type: ignore[arg-type]
        pair_encoding="joint" if "sts" in corpora else None,
    )


@pytest.fixture(autouse=True)
def data(here: Path) -> None:
    features = [f"features/{name}/a.npy" for name in ("sst", "sts-joint", "sts-separate")]
    files = [*features, "tokens/sst/a.npy", "tokens/sts/a.npy"]
    files += ["backbone/config.json", "backbone/model.safetensors", "backbone/tokenizer.json"]
    for name in files:
        (paths.DATA / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.DATA / name).write_text(name)


@pytest.mark.parametrize(
    ("run", "changed", "matters"),
    [
        (run_of("pretrain", "sst"), "features/sst/a.npy", True),
        (run_of("pretrain", "sst"), "tokens/sst/a.npy", True),
        (run_of("pretrain", "sts"), "features/sts-joint/a.npy", True),
        (run_of("pretrain", "sst"), "backbone/model.safetensors", False),
        (run_of("finetune", "sst"), "features/sst/a.npy", False),
        (run_of("finetune", "sst"), "backbone/model.safetensors", True),
        (run_of("finetune", "sst"), "tokens/sts/a.npy", False),
    ],
)
def test_the_list_changes_with_the_files_that_the_run_reads(
    run: RunParams, changed: str, matters: bool
) -> None:
    def check(message: str) -> None:
        refused = pytest.raises(TrainingError, match=f"{path} {message}.*; run `dvc repro`")
        with refused if matters else nullcontext():
            check_files(listed_files(out, run.pair_encoding))

    out, path = paths.inputs_json("x"), paths.DATA / changed
    write_inputs("x", run, out)
    before = out.read_text()
    check_files(listed_files(out, run.pair_encoding))
    path.write_text("other")
    check("has changed since")
    write_inputs("x", run, out)
    assert (out.read_text() != before) == matters
    path.unlink()
    check("is missing")


def test_a_missing_list_and_a_missing_folder_are_named() -> None:
    with pytest.raises(TrainingError, match=r"data/inputs/y\.json is missing or damaged"):
        listed_files(paths.inputs_json("y"), None)
    with pytest.raises(TrainingError, match="data/tokens/quora is missing; run `dvc repro`"):
        write_inputs("x", run_of("finetune", "quora"), paths.inputs_json("x"))


def test_the_list_includes_files_for_trials_with_the_other_encoding() -> None:
    out = paths.inputs_json("x")
    write_inputs("x", run_of("pretrain", "sst", "sts"), out)
    joint, separate = listed_files(out, "joint"), listed_files(out, "separate")
    assert {*joint} - {*separate} == {"data/features/sts-joint/a.npy"}
    assert {*separate} - {*joint} == {"data/features/sts-separate/a.npy"}
    write_inputs("x", run_of("pretrain", "sst"), out)  # without pairs
    assert listed_files(out, None) != {}
    assert listed_files(out, "separate") == {}
