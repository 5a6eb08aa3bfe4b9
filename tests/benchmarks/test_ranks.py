"""One run in one process and in two: who takes turns, what is measured, and how it is told."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks import ranks
from pipeline.files import read_json
from pipeline.params import load_params

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")


def turn(rate: float) -> dict[str, float]:
    return {"steps_per_second": rate, "sum_seconds": 0.01, "parameters": 2**20}


def test_medians_are_compared_with_all_cores_in_one_process() -> None:
    rates = ([2.0, 1.0, 4.0], [1.0, 1.0, 1.0], [3.0, 2.5, 9.0])
    ways = {way: [turn(r) for r in rate] for way, rate in zip(ranks.WAYS, rates, strict=True)}
    ways = dict(sorted(ways.items()))  # as a file has them
    assert [row[2:] for row in ranks.rows_of("sst-finetune", ways)] == [
        ["2.00 (1.00 to 4.00)", "1.00", "", ""],
        ["1.00 (1.00 to 1.00)", "0.50", "", ""],
        ["3.00 (2.50 to 9.00)", "1.50", "10 ms", "4 MiB"],
    ]


@pytest.mark.parametrize(("load", "is_quiet"), [(0.2, True), (3.04, False)])
def test_ways_take_turns_and_the_page_says_whether_others_disturbed_them(
    load: float, is_quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[tuple[str, int, int]] = []

    def started(run: str, steps: int, processes: int, threads: int) -> dict[str, float]:
        order.append((run, processes, threads))
        return turn(steps)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ranks, "load_params", lambda: PARAMS)
    monkeypatch.setattr(ranks, "_started", started)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    ranks.main(["--steps", "7", "--rounds", "2"])
    once = [(run, *way) for run in ranks.RUNS for way in ranks.WAYS.values()]
    assert order == once * 2
    (written,) = (tmp_path / "benchmarks" / "results").glob("ranks-*.json")
    assert len(read_json(written)["runs"]["quora-finetune"]["2 processes, 1 thread"]) == 2
    page = (tmp_path / "reports" / "ranks.md").read_text()
    assert "7 steps of a finetune run" in page
    assert "| quora-finetune | 2 processes, 1 thread" in page
    assert ("3.0 other processes wanted its cores" not in page) == is_quiet


def test_a_turn_is_started_by_torchrun_and_the_first_process_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []

    def run(command: list[str], **how: Any) -> SimpleNamespace:
        calls.append((command[2:], how["env"]["OMP_NUM_THREADS"]))
        return SimpleNamespace(stdout=f"a warning\n{{}}\n{json.dumps(turn(5.0))}\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert ranks._started("sst-finetune", 4, processes=2, threads=1) == turn(5.0)
    ((command, threads),) = calls
    assert " ".join(command).startswith("torch.distributed.run --standalone --nproc-per-node 2 -m")
    assert threads == "1"


def test_a_turn_counts_steps_after_a_warm_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken: list[int] = []

    class Stub:
        train = {"sst": None}  # noqa: RUF012
        model = nn.Linear(3, 1)

        def batches_of(self, corpus: str) -> list[int]:
            return [1, 2, 3]

        def step(self, corpus: str, batch: int) -> Tensor:
            taken.append(batch)
            return torch.zeros(())

    monkeypatch.setattr(ranks, "load_params", lambda: PARAMS)
    monkeypatch.setattr(ranks, "_trainer", lambda *_: Stub())
    ranks.main(["--turn", "sst-finetune", "--steps", "5"])
    told = json.loads(capsys.readouterr().out)
    assert taken == [1, 2, 3, 1, 2, 3, 1, 2]  # three of them are the warm-up
    assert told["parameters"] == 4
    assert told["steps_per_second"] > 0
