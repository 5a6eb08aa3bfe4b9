"""Time is told by kind of operation."""

from contextlib import chdir
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)
from torch.profiler import ProfilerActivity, profile

from benchmarks.breakdown import KIND_OF, KINDS, REST, shares, shares_of
from pipeline.core import paths
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import read_cache


def test_shares_add_up_to_one() -> None:
    found = shares_of({"aten::mm": 3.0, "aten::addmm": 1.0, "aten::softmax_of_its_own": 4.0})
    assert found["matrix products of layers"] == 0.5
    assert found[REST] == 0.5
    assert sum(found.values()) == pytest.approx(1.0)
    assert set(found) == {*KINDS, REST}


def test_the_names_are_those_torch_gives() -> None:
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        x = torch.randn(4, 4, requires_grad=True)
        F.gelu(F.layer_norm(x @ x, (4,)).softmax(-1)).sum().backward()
    seen = {event.key for event in profiler.key_averages()}
    for operation in ("mm", "_softmax", "_softmax_backward_data", "gelu_backward"):
        assert f"aten::{operation}" in seen & KIND_OF.keys()


def test_the_steps_of_a_real_training_are_broken_down(served_dir: Path) -> None:
    with chdir(served_dir):
        found = shares(read_cache(paths.tokens_dir("sst"), "train"), load_params())
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["matrix products of layers"] > 0
