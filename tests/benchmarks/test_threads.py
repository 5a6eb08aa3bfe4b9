"""The same run on several numbers of threads: what is compared, and how it is told."""

from multiprocessing import dummy
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import threads
from pipeline import paths
from pipeline.files import read_json, write_json
from pipeline.params import Params, load_params

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


def test_a_run_is_trained_on_the_asked_number_of_threads_and_the_kept_epoch_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[int] = []

    def train_run(params: Params, name: str, backbone_dir: Path, out: Path) -> None:
        used.append(torch.get_num_threads())
        paths.run_weights(out).write_text("weights")
        write_json(paths.run_summary(out), {"best_epoch": 2})
        rows = ["1,sts,0.1", "2,sts,0.2", "3,sts,"]
        paths.run_history(out).write_text("\n".join(["epoch,corpus,dev_score", *rows]))

    monkeypatch.setattr(threads, "train_run", train_run)
    before = torch.get_num_threads()
    found = threads.outcome(PARAMS, "sts-finetune", before + 1)
    assert found["scores"] == {"sts": 0.2}
    torch.set_num_threads(before)
    assert used == [before + 1]


def test_results_and_page_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome(params: Params, run: str, threads: int) -> dict[str, Any]:
        return way("a", 0.5 + threads / 8)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threads, "load_params", lambda: PARAMS)
    monkeypatch.setattr(threads, "outcome", outcome)
    monkeypatch.setattr(threads, "get_context", lambda _: dummy)  # threads: what is patched stays
    threads.main(["--runs", "sts-finetune"])
    (written,) = (tmp_path / "benchmarks" / "results").glob("threads-*.json")
    assert read_json(written)["runs"]["sts-finetune"]["2"]["scores"] == {"sts": 0.75}
    page = (tmp_path / "reports" / "determinism.md").read_text()
    assert "| sts-finetune " in page
    assert f"Profile **{PARAMS.profile}**" in page
