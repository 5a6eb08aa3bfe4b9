"""Scores with and without speed are told apart when they are apart, and only then."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import agreement
from benchmarks.ours import ALL, OFF, PLAIN
from pipeline import paths
from pipeline.errors import PipelineError
from pipeline.files import read_json
from pipeline.params import Params, load_params
from pipeline.training.history import EpochRow, write_history

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def test_scores_that_differ_as_seeds_do_are_within_noise() -> None:
    row = agreement.row_of("sts", {ALL: [0.40, 0.42, 0.44], PLAIN: [0.41, 0.43, 0.42]})
    assert row[2:4] == ["0.420 ± 0.020", "0.420 ± 0.010"]
    assert row[-1] == "yes"


def test_scores_further_apart_than_seeds_are_not() -> None:
    row = agreement.row_of("sts", {ALL: [0.30, 0.31, 0.32], PLAIN: [0.41, 0.43, 0.42]})
    assert row[4].startswith("-0.110 (-0.")
    assert row[-1] == "no"


def test_a_dead_head_is_told_and_not_averaged() -> None:
    row = agreement.row_of("sts", {ALL: [0.40, float("nan")], PLAIN: [0.41, 0.43]})
    assert row == ["sts", "pearson", *["undefined for a seed"] * 3, "no"]


def test_one_seed_is_refused_before_anything_trains() -> None:
    with pytest.raises(PipelineError, match="--seeds must be at least 2"):
        agreement.main(["--seeds", "1"])


def test_both_train_alike_but_for_their_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: dict[str, Params] = {}

    def train_run(params: Params, name: str, backbone_dir: Path, out: Path) -> None:
        assert (name, backbone_dir) == ("sts-finetune", paths.BACKBONE)
        trained[str(len(trained))] = params
        rows = [EpochRow(e, "sts", 10, 20, 1.0, 1.0, "spearman", 0.1 * e, "") for e in (1, 2)]
        write_history(paths.run_history(out), rows)
        paths.run_weights(out).write_text("weights")

    monkeypatch.setattr(agreement, "train_run", train_run)
    scores = [agreement.dev_score(PARAMS, "sts", name, 7, 2) for name in (ALL, PLAIN)]
    assert scores == [0.2, 0.2]
    fast, plain = trained.values()
    assert fast.speed == PARAMS.speed
    assert plain.speed.forward.model_dump() | plain.speed.training.model_dump() == dict(OFF)
    assert fast.model_copy(update={"speed": plain.speed}) == plain
    assert (plain.seed, plain.epochs(plain.run("sts-finetune"))) == (7, 2)


def test_a_run_writes_its_scores_and_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dev_score(params: Params, corpus: str, name: str, seed: int, epochs: int) -> float:
        return 0.4 + 0.01 * (seed % 3) + 0.001 * (name == ALL)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(agreement, "load_params", lambda: PARAMS)
    monkeypatch.setattr(agreement, "dev_score", dev_score)
    agreement.main(["--corpora", "sst", "quora", "--seeds", "3"])
    (written,) = (tmp_path / "benchmarks" / "results").glob("agreement-*.json")
    results: dict[str, Any] = read_json(written)
    assert set(results["scores"]) == {"sst", "quora"}
    assert len(results["scores"]["quora"][PLAIN]) == 3
    page = (tmp_path / "reports" / "agreement.md").read_text()
    assert "| sst " in page
    assert f"{PARAMS.seed}, {PARAMS.seed + 1}, {PARAMS.seed + 2}" in page.replace("\n", " ")
