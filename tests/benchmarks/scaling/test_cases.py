"""Which graphs are simulated, and on which times."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.scaling.cases import case, simulated
from benchmarks.scaling.stage_seconds import ALONE, LAST, measured_seconds, reckoned_seconds
from pipeline.errors import PipelineError
from pipeline.files import read_json
from pipeline.launch.plan import Outcome, PlannedStage
from pipeline.launch.schedule import Task
from pipeline.params import load_params

ROOT = Path(__file__).parents[3]
TASKS = [
    Task("inputs", frozenset(), 10.0),
    Task("train@a", frozenset(["inputs"]), 100.0),
    Task("train@b", frozenset(["inputs"]), 50.0),
]


def test_a_case_tells_makespans_bounds_and_the_longest_path(graph: dict[str, Any]) -> None:
    told = case(TASKS, 1, graph)  # DVC adds 0.5 s to each, and 1 s with the lock
    assert (told["seeds"], told["stages"]) == (1, 3)
    assert told["makespans"]["1"] == 160.0 + 3 * 1.5 == told["bounds"]["work"]
    assert told["longest_path"] == ["inputs", "train@a"]
    assert told["makespans"]["64"] == 110.0 + 2 * 1.5 == told["bounds"]["path"]


def test_a_stage_that_was_never_timed_is_named() -> None:
    stages = [PlannedStage("train@a", Outcome.RUN, [])]
    with pytest.raises(PipelineError, match="what train@a take; run `make repro`"):
        simulated(stages, {"demo": {}}, {}, {})


def test_stages_timed_alone_go_before_the_last_times_of_this_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".times/demo").mkdir(parents=True)
    (tmp_path / ".times/demo/inputs.json").write_text('{"schema": "time/1", "seconds": 0.5}')
    alone = {"tokens@sst": 10.0, "train@sst-finetune": 30.0}
    assert measured_seconds("demo", jobs) == (alone, ALONE)
    assert measured_seconds("demo", None) == ({"inputs": 0.5}, LAST)
    assert measured_seconds("laptop", jobs) == ({}, LAST)


def test_the_laptops_stages_are_reckoned_from_the_committed_benchmark() -> None:
    results = read_json(ROOT / "benchmarks/results/cpu.json")
    found = reckoned_seconds(results, load_params(ROOT / "params.yaml"))
    assert len(found) == 35
    # ten epochs of 53 s, as reports/benchmarks.md has them, and as many dev evaluations
    assert found["train@sst-finetune"] == pytest.approx(10 * 53.16 * 1.039, rel=0.01)
    assert found["train@sst-pretrain"] < 5
    assert max(found, key=lambda name: found[name]) == "train@multitask-finetune"
    assert 1.5 * 3600 < sum(found.values()) < 2.5 * 3600  # the README: about two hours
