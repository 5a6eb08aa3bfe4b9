"""The same run on several numbers of threads: what is compared, and how it is told."""

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import threads
from benchmarks.ours import Trained
from pipeline.core.files import read_json
from pipeline.plumbing.params import Params, load_params

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")


def way(weights: str, score: float | None) -> dict[str, Any]:
    return {"weights": weights, "scores": {"sts": score}}


def test_same_bytes_and_distances_are_told() -> None:
    ways = {"1": way("a", 0.4), "2": way("b", 0.41), "4": way("b", 0.395), "again": way("b", 0.41)}
    (row,) = threads.rows_of("sts-finetune", ways)
    assert row == ["sts-finetune", "sts", "yes", "no", "0.4000", "0.4100", "0.3950", "0.0150"]
    ways = dict.fromkeys(["1", "2", "4"], way("a", None)) | {"again": way("b", None)}
    (row,) = threads.rows_of("sts-finetune", ways)
    assert row == ["sts-finetune", "sts", "no", "yes", *["undefined"] * 4]


def test_each_run_is_trained_on_every_number_of_threads_and_its_kept_epoch_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(params: Params, run: str) -> Trained:
        kept = torch.get_num_threads() / 8
        return Trained([{"sts": 0.1}, {"sts": kept}, {"sts": None}], 2, "hash")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threads, "load_params", lambda: PARAMS)
    monkeypatch.setattr(threads, "train", train)
    monkeypatch.setattr(threads, "apart", lambda action, *asked: action(*asked))
    before = torch.get_num_threads()
    threads.main(["--runs", "sts-finetune"])
    torch.set_num_threads(before)
    (written,) = (tmp_path / "benchmarks/results").glob("threads-*.json")
    scores = {
        w: told["scores"]["sts"] for w, told in read_json(written)["runs"]["sts-finetune"].items()
    }
    assert scores == {"1": 0.125, "2": 0.25, "4": 0.5, "again": 0.25}
    page = (tmp_path / "reports/determinism.md").read_text()
    assert "| sts-finetune " in page
    assert f"Profile **{PARAMS.profile}**" in page


def test_the_committed_page_has_the_committed_numbers() -> None:
    written = (ROOT / "reports/determinism.md").read_text().splitlines()
    rendered = threads.page(read_json(ROOT / "benchmarks/results/threads-cpu.json")).splitlines()
    assert sorted(rendered) == sorted(written)  # JSON has the runs in another order
