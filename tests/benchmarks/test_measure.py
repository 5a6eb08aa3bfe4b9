"""How a turn is timed, and how a few batches give an estimate for an epoch."""

from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)
from torch.profiler import ProfilerActivity, profile

from benchmarks import measure
from benchmarks.breakdown import KIND_OF, REST, shares, shares_of
from benchmarks.measure import (
    FEATURES,
    TEXTBOOK,
    alternate,
    epoch_of,
    epoch_seconds,
    spread,
    take_turn,
    work_of,
)
from benchmarks.ours import ALL, ALONE, Frozen, full_quora
from benchmarks.results import peak_memory_mb, results_json
from benchmarks.turns import in_new_process
from pipeline.core import paths
from pipeline.encoder.batches import Indices
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import TokenizedSplit, read_cache
from tests.params import PARAMS
from tests.splits import random_split

SKEWED = np.array([10.0, 1.0, 40.0, 2.0, 3.0, 5.0, 90.0, 4.0])


@dataclass
class TimesItself:
    """A contender that takes a second for ten padded or real tokens."""

    split: TokenizedSplit
    packs: bool = False

    def step(self, batch: Indices) -> float:
        """Return how long the batch would take."""
        return float(work_of(self, self.split, [batch])[0] / 10)


@pytest.mark.parametrize("packed", [False, True])
def test_a_turn_estimates_the_whole_epoch(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "seconds_of", lambda step: step())
    split = random_split("sts", 22)
    contender = TimesItself(split, packed)
    batches = epoch_of(TEXTBOOK, contender, split, PARAMS)
    lengths = [np.diff(split.offsets).reshape(-1, 2)[batch] for batch in batches]
    work = work_of(contender, split, batches)
    # sentences are padded to the longest one of their batch
    assert work.tolist() == [each.sum() if packed else each.max() * each.size for each in lengths]
    turn = take_turn(contender, split, batches[:1], work)
    assert turn.seconds_per_epoch == pytest.approx(work.sum() / 10)
    assert turn.steps_per_epoch == 2
    assert not packed or turn.tokens_per_second == pytest.approx(10)


def test_every_contender_sees_every_example_once_in_an_epoch() -> None:
    split = random_split("sst", 200)
    for name in (TEXTBOOK, FEATURES):
        seen = np.concatenate(epoch_of(name, object(), split, PARAMS))
        assert sorted(seen.tolist()) == list(range(200))


def test_for_a_head_on_stored_vectors_every_batch_is_the_same_work() -> None:
    frozen = Frozen.__new__(Frozen)
    split = random_split("sst", 10)
    assert work_of(frozen, split, [np.arange(9), np.arange(1)]).tolist() == [1.0, 1.0]


def test_batches_are_chosen_from_the_smallest_to_the_largest() -> None:
    assert spread(np.array([30.0, 10.0, 40.0, 20.0]), 2, 0.0) == [1, 0]
    assert spread(np.array([30.0, 10.0, 40.0, 20.0]), 2, 0.5) == [3, 2]
    assert spread(np.array([7.0]), 3, 0.5) == [0, 0, 0]


def test_the_mean_estimate_over_all_shifts_is_exact_for_any_times() -> None:
    seconds = SKEWED**1.5 + 3.0
    shifts = (np.arange(4) + 0.5) / 4
    places = [place for shift in shifts for place in spread(SKEWED, 2, float(shift))]
    assert sorted(places) == list(range(8))  # every batch equally often
    estimate = epoch_seconds(list(seconds[places]), SKEWED[places], SKEWED)
    assert estimate == pytest.approx(seconds.sum())


def test_each_turn_of_a_contender_has_different_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[object, ...]] = []
    monkeypatch.setattr(measure, "in_new_process", lambda _, *asked: order.append(asked))
    piece = ALONE + "bf16"
    alternate(["a", piece], "finetune", "sst", rounds=2, steps=3)
    asked = [("a", 3, 0.25), (piece, 1, 0.25), ("a", 3, 0.75), (piece, 1, 0.75)]
    assert order == [(name, "finetune", "sst", *how, None) for name, *how in asked]


@pytest.mark.parametrize(
    ("mode", "names"), [("finetune", [TEXTBOOK, ALL]), ("frozen", [FEATURES, ALL])]
)
def test_real_contenders_take_their_turns(mode: str, names: list[str], served_dir: Path) -> None:
    with chdir(served_dir):
        found = alternate(names, mode, "sst", rounds=1, steps=1, examples=20)
    assert list(found) == names
    assert all(turn.seconds_per_epoch > 0 for (turn,) in found.values())


def test_a_new_process_has_its_own_peak_memory_and_its_errors_are_raised_here() -> None:
    grown = np.ones(2**27)  # 1 GiB, touched
    assert peak_memory_mb() > 1024
    del grown
    assert in_new_process(peak_memory_mb) < 1024
    with pytest.raises(ZeroDivisionError):
        in_new_process(divmod, 1, 0)


def test_the_peak_is_a_rate() -> None:
    assert measure.matmul_peak("float32", 64, 16, torch.device("cpu")) > 0


def test_results_are_named_after_the_device() -> None:
    assert results_json("NVIDIA H100 80GB HBM3").name == "nvidia-h100-80gb-hbm3.json"
    assert results_json("cpu", "agreement").name == "agreement-cpu.json"


def test_times_are_grouped_by_torchs_names_of_operations() -> None:
    found = shares_of({"aten::mm": 3.0, "aten::addmm": 1.0, "aten::softmax_of_its_own": 4.0})
    assert (found["matrix products of layers"], found[REST]) == (0.5, 0.5)
    assert sum(found.values()) == 1.0
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        x = torch.randn(4, 4, requires_grad=True)
        F.gelu(F.layer_norm(x @ x, (4,)).softmax(-1)).sum().backward()
    seen = {event.key for event in profiler.key_averages()}
    for operation in ("mm", "_softmax", "_softmax_backward_data", "gelu_backward"):
        assert f"aten::{operation}" in seen & KIND_OF.keys()


def test_the_time_of_real_training_steps_is_broken_down(served_dir: Path) -> None:
    with chdir(served_dir):
        found = shares(read_cache(paths.tokens_dir("sst"), "train"), load_params())
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["matrix products of layers"] > 0


def test_the_full_quora_has_a_rate_disk_and_memory() -> None:
    found = full_quora(pairs=64, width=8)
    assert found["disk_mb"] * 2**20 == 64 * 2 * 8 * 2 + 128  # and the header of an .npy file
    assert found["peak_memory_mb"] > found["disk_mb"]
    assert found["steps_per_second"] * found["seconds_per_epoch"] == pytest.approx(4)
