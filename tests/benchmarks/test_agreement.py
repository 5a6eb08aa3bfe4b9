"""Scores with and without speed are told apart when they are apart, and only then."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import agreement
from benchmarks.ours import ALL, OFF, PLAIN, Trained
from pipeline.core.files import read_json
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Params, load_params

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")


@pytest.mark.parametrize(
    ("ours", "plain", "difference", "within_noise"),
    [
        ([0.40, 0.42, 0.44], [0.41, 0.43, 0.42], "+0.000 (-0.", "yes"),
        ([0.30, 0.31, 0.32], [0.41, 0.43, 0.42], "-0.110 (-0.", "no"),
        ([0.40, None], [0.41, 0.43], "undefined for a seed", "no"),
    ],
)
def test_only_scores_further_apart_than_seeds_are_are_not_within_noise(
    ours: list[float | None], plain: list[float | None], difference: str, within_noise: str
) -> None:
    row = agreement.row_of("sts", {ALL: ours, PLAIN: plain})
    assert row[:2] == ["sts", "pearson"]
    assert row[4].startswith(difference)
    assert row[-1] == within_noise


def test_one_seed_is_refused_before_anything_trains() -> None:
    with pytest.raises(PipelineError, match="--seeds must be at least 2"):
        agreement.main(["--seeds", "1"])


def test_both_train_alike_but_for_their_speed_and_their_last_scores_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Params] = []

    def train(params: Params, run: str) -> Trained:
        used.append(params)
        corpus: Any = run.removesuffix("-finetune")
        last = 0.25 + (params.seed - PARAMS.seed) / 4
        return Trained([{corpus: 0.9}, {corpus: last}], 1, "hash")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(agreement, "load_params", lambda: PARAMS)
    monkeypatch.setattr(agreement, "train", train)
    agreement.main(["--corpora", "sst", "quora", "--seeds", "2", "--epochs", "2"])
    fast, plain = used[:2]
    assert fast.speed == PARAMS.speed
    assert plain.speed.forward.model_dump() | plain.speed.training.model_dump() == dict(OFF)
    assert fast.model_copy(update={"speed": plain.speed}) == plain
    assert plain.epochs(plain.run("sst-finetune")) == 2
    assert [params.seed - PARAMS.seed for params in used] == [0] * 4 + [1] * 4
    (written,) = (tmp_path / "benchmarks/results").glob("agreement-*.json")
    both = {ALL: [0.25, 0.5], PLAIN: [0.25, 0.5]}
    assert read_json(written)["scores"] == {"sst": both, "quora": both}
    page = (tmp_path / "reports/agreement.md").read_text()
    assert "| sst " in page
    assert f"{PARAMS.seed}, {PARAMS.seed + 1}:" in page.replace("\n", " ")


def test_the_committed_page_is_that_of_the_committed_numbers() -> None:
    results = read_json(ROOT / "benchmarks/results/agreement-cpu.json")
    assert (ROOT / "reports/agreement.md").read_text() == agreement.page(results)
