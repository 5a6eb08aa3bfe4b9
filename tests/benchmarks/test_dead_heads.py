"""Dead heads: those drawn are counted as they answer, those trained as their histories end."""

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import dead_heads
from pipeline import paths
from pipeline.model.heads import Head
from pipeline.params import Params, load_params
from pipeline.tasks import CORPORA

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def test_a_head_is_dead_at_first_where_its_bias_and_weights_say_so() -> None:
    vectors = torch.zeros(3, 2, 4)  # every head answers its bias, or 0
    shares = dead_heads.zeros_at_first(vectors, heads=40, seed=1)
    expected = []
    for number in range(40):
        torch.manual_seed(1 + number)
        bias = Head(CORPORA["sts"], 4, dropout=0.3).linear.bias
        expected.append(1.0 if bias.item() <= 0 else 0.0)
    assert shares == expected
    assert 5 < sum(shares) < 35


def test_scores_of_each_epoch_are_read_for_similarities_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[int] = []

    def train_run(params: Params, name: str, backbone_dir: Path, out: Path) -> None:
        used.append(params.seed)
        rows = ["1,sst,0.5", "1,sts,0.1", "2,sst,0.5", "2,sts,"]
        paths.run_history(out).write_text("\n".join(["epoch,corpus,dev_score", *rows]))
        paths.run_weights(out).write_text("weights")

    monkeypatch.setattr(dead_heads, "train_run", train_run)
    assert dead_heads.dev_scores(PARAMS, "multitask-pretrain", 7) == [0.1, None]
    assert used == [7]


def test_the_page_counts_the_dead_and_describes_the_living() -> None:
    seeds: list[list[float | None]] = [[0.0, 0.1], [0.2, 0.3], [None, None]]
    row = dead_heads.row_of("sts-pretrain", seeds)
    assert row == ["sts-pretrain", "3", "1", "1", "0.200 ± 0.141", "0.100 to 0.300"]
    results: dict[str, Any] = {
        "method": {
            "profile": "demo",
            "corpora": "synthetic",
            "backbone": "tiny",
            "device": "cpu",
            "examples": 800,
        },
        "zeros": [0.0, 0.5, 1.0, 1.0],
        "trained": {"sts-pretrain": seeds},
    }
    page = dead_heads.page(results)
    assert "| to all               | 50.0% |" in page
    assert "| to at least half     | 75.0% |" in page
    assert "| to none              | 25.0% |" in page
