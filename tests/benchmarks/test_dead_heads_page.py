"""The page on heads without a turn follows the numbers."""

from pathlib import Path
from typing import Any

from benchmarks.dead_heads_page import page
from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.tasks import CorpusName, IdleHeads
from pipeline.reporting.dead_heads import Condition, HeadsRun, Turns, Vectors, read_dead_heads

ROOT = Path(__file__).parents[2]
METHOD: dict[str, Any] = {
    "profile": "laptop",
    "backbone": "tiny",
    "epochs": 2,
    "learning_rate": 1e-3,
    "batch_size": {"sst": 64, "quora": 16, "sts": 16},
    "dropout": 0.3,
    "torch": "2.13.0",
}


def run_of(
    idle_heads: IdleHeads,
    seed: int,
    last: float | None,
    turns: Turns = "paper",
    vectors: Vectors = "bert-like",
) -> HeadsRun:
    """Make a run of two epochs; without a score of STS after the last, its head is dead."""
    scores: dict[CorpusName, list[float | None]] = {
        "sst": [0.3 + seed / 100, 0.2],
        "quora": [0.6, 0.7],
        "sts": [0.05, last],
    }
    condition = Condition(turns, vectors, idle_heads, "joint")
    return HeadsRun(condition, seed, scores, [0.5, 1.0 if last is None else 0.25])


RUNS = [
    run_of("step", 1, None),
    run_of("step", 2, 0.1),
    run_of("step", 3, 0.3),
    run_of("skip", 1, 0.4),
    run_of("skip", 2, 0.4, turns="ours", vectors="minilm"),
]


def cells(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_the_page_counts_the_dead_sums_up_the_living_and_names_what_they_share() -> None:
    _, _, step, skip, ours, paper = cells(page(METHOD, RUNS))
    assert step[:6] == ["1 : 66 : 2", "of bert-base's kind", "step", "joint", "3", "1 of 3"]
    assert step[6:] == ["0.200 ± 0.141", "0.320 ± 0.010", "0.200 ± 0.000", "0.700 ± 0.000"]
    assert skip[5:7] == ["0 of 1", "0.400"]
    assert ours[:2] == ["1 : 7 : 2", "MiniLM's own"]
    assert paper[6:] == ["0.001", "0.256", "", "0.760"]
    text = page(METHOD, RUNS)
    assert "batches of 64 SST, 16 Quora and 16 STS examples" in text
    assert "1 of 3 STS heads predict 0" in text


def test_the_committed_page_is_that_of_the_committed_numbers() -> None:
    method = read_json(ROOT / paths.DEAD_HEADS)["method"]
    runs = read_dead_heads(ROOT / paths.DEAD_HEADS)
    assert (ROOT / "reports/dead-heads.md").read_text() == page(method, runs)
