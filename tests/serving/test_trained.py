"""A trained run is described by its run.json; files that do not match are rejected."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.files import read_json, write_json
from pipeline.data.backbone import BACKBONES
from pipeline.errors import BackboneError, PipelineError, TrainingError
from pipeline.plumbing.params import load_params
from pipeline.serving.trained import open_run, profile_of

NAME = "sst-pretrain"


@pytest.fixture
def repository(served_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a copy that tests may spoil."""
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(served_dir / paths.PARAMS, folder)
    for part in (paths.BACKBONE, paths.run_dir(NAME)):
        shutil.copytree(served_dir / part, folder / part)
    monkeypatch.chdir(folder)
    return folder


def test_the_mode_is_the_trained_one_and_not_that_of_params(repository: Path) -> None:
    params = load_params()
    changed = params.runs[NAME].model_copy(update={"mode": "finetune"})
    changed_params = params.model_copy(update={"runs": {NAME: changed}})
    assert open_run(changed_params, NAME).is_frozen


def test_an_untrained_run_is_rejected(repository: Path) -> None:
    with pytest.raises(TrainingError, match=r"^sts-finetune is not trained yet"):
        open_run(load_params(), "sts-finetune")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            {"best_epoch": 0, "stopped": "the loss is nan"},
            "has no finished epoch: training stopped",
        ),
        ({"mode": None}, "run.json is missing or damaged"),
        ({"schema": "train/0"}, "was written by another version"),
    ],
)
def test_an_empty_summary_is_rejected(repository: Path, change: dict[str, Any], error: str) -> None:
    path = paths.run_dir(NAME) / paths.RUN_SUMMARY
    summary = read_json(path) | change
    gone = {key for key, value in change.items() if value is None}
    write_json(path, {key: value for key, value in summary.items() if key not in gone})
    with pytest.raises(PipelineError, match=error):
        open_run(load_params(), NAME)


def test_a_backbone_that_differs_from_the_runs_is_rejected(repository: Path) -> None:
    path = paths.run_dir(NAME) / paths.RUN_SUMMARY
    write_json(path, read_json(path) | {"backbone": next(iter(BACKBONES))})
    with pytest.raises(BackboneError, match=r"of another backbone; run `dvc repro`$"):
        open_run(load_params(), NAME)


def test_a_vocabulary_larger_than_the_weights_is_rejected(repository: Path) -> None:
    path = paths.BACKBONE / paths.TOKENIZER
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["vocab"]["#surplus#"] = 30522
    path.unlink()
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(BackboneError, match="has 30523 tokens and the backbone 30522"):
        open_run(load_params(), NAME)


def test_the_profile_comes_from_the_entry_in_dvc_lock_for_these_weights(
    served_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(served_dir)
    assert profile_of("sst-finetune") == "demo"
    assert profile_of("sts-finetune") is None
    monkeypatch.chdir(tmp_path)
    assert profile_of("sst-finetune") is None
    for content in ("", "a: [", "stages: {train@sst-finetune: 3}"):
        paths.DVC_LOCK.write_text(content)
        assert profile_of("sst-finetune") is None
    paths.DVC_LOCK.write_bytes((served_dir / paths.DVC_LOCK).read_bytes())
    weights = paths.run_dir("sst-finetune") / paths.WEIGHTS
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"others")
    assert profile_of("sst-finetune") is None
