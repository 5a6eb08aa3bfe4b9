"""Tensors in a file: missing, misshapen or infinite ones are found without torch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.core.tensor_files import mismatches, stored_tensors
from pipeline.errors import InputError

TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def problems_with(tensor: torch.Tensor, folder: Path) -> list[str]:
    """Return the problems of a tensor between two others in a file."""
    path = folder / "model.safetensors"
    around = {"a": torch.ones(3), "c": torch.full((1,), torch.nan)}
    save_file({**around, "b": tensor}, path)
    found, _ = stored_tensors(path, InputError)
    return list(mismatches({"b": (2, 3)}, {"b": found["b"]}, {"b": "B"}))


@pytest.mark.parametrize("dtype", TYPES)
def test_floats_of_every_width_are_accepted_up_to_their_largest_value(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    largest = min(torch.finfo(dtype).max, torch.finfo(torch.float32).max)
    values = [largest, -largest, 0.0, -0.0, torch.finfo(dtype).tiny, 1.0]
    tensor = torch.tensor(values, dtype=dtype).view(2, 3)
    assert problems_with(tensor, tmp_path) == []
    # a number too large for float32 counts as infinite
    too_large = [1e300] if dtype == torch.float64 else []
    for value in (torch.nan, -torch.nan, torch.inf, -torch.inf, *too_large):
        tensor[1, 2] = value
        assert problems_with(tensor, tmp_path) == ["B holds values that are not finite"]


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float8_e4m3fn])
def test_other_types_are_rejected(dtype: torch.dtype, tmp_path: Path) -> None:
    (problem,) = problems_with(torch.ones(2, 3).to(dtype), tmp_path)
    assert problem.startswith("B has type ")
    assert problem.endswith(", not one of F64, F32, F16, BF16")


def test_the_backbone_stage_does_not_load_torch() -> None:
    code = "import sys, stages.backbone; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
