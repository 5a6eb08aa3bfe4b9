"""Compares the tensors of a safetensors file with the expected ones, without torch.

No tensor may be missing, have the wrong shape or dtype, or contain values that are not finite.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from pipeline.errors import PipelineError

NUM_SHOWN = 5  # most problems in one message
# numpy has no bfloat16, so its bits are read as integers
FLOATS: Mapping[str, type[np.generic]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
}
BF16_EXPONENT = 0x7F80  # bits that are all 1 if the value is not finite

Shape = tuple[int, ...]


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a safetensors file whose values have not been read."""

    path: Path
    start: int  # offset of its first byte in the file
    shape: Shape
    dtype: str  # its name in safetensors

    def is_finite(self) -> bool:
        """Return whether every value is finite in float32."""
        values = np.fromfile(
            self.path, FLOATS[self.dtype], count=int(np.prod(self.shape)), offset=self.start
        )
        if self.dtype == "BF16":
            return bool(((values & BF16_EXPONENT) != BF16_EXPONENT).all())
        return bool((np.abs(values) <= np.finfo(np.float32).max).all())


def stored_tensors(
    path: Path, error_type: type[PipelineError]
) -> tuple[dict[str, StoredTensor], dict[str, str]]:
    """Return a safetensors file's tensors by name, and its metadata.

    Raises:
        PipelineError: the file is missing or damaged; the error has the given type.
    """
    if not path.is_file():
        raise error_type(f"{path} is missing; weights are read from safetensors files only")
    try:
        with safe_open(path, framework="np") as file:  # checks the header and file size
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise error_type(
            f"{path} is not a whole safetensors file ({error}); save, fetch or train it again"
        ) from None
    with path.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        header = json.loads(content.read(length))
    header.pop("__metadata__", None)
    tensors = {
        name: StoredTensor(
            path, 8 + length + entry["data_offsets"][0], tuple(entry["shape"]), entry["dtype"]
        )
        for name, entry in header.items()
    }
    return tensors, metadata


def mismatches(
    wanted: Mapping[str, Shape], found: Mapping[str, StoredTensor], shown: Mapping[str, str]
) -> Iterator[str]:
    """Yield a clause for each tensor that is missing or wrong.

    Args:
        wanted: the shapes of a model's tensors, all of which are floats.
        found: the tensors of the file, by their names in the model.
        shown: from their names in the model to those in the file, for messages.
    """
    for name, shape in wanted.items():
        other = found.get(name)
        if other is None:
            yield f"{shown[name]} is missing"
        elif other.shape != shape:
            yield f"{shown[name]} has shape {list(other.shape)}, not {list(shape)}"
        elif other.dtype not in FLOATS:
            yield f"{shown[name]} has type {other.dtype}, not one of {', '.join(FLOATS)}"
        elif not other.is_finite():
            yield f"{shown[name]} holds values that are not finite"


def misfit(path: Path, model: str, problems: Sequence[str]) -> str:
    """Return an error message that lists the first few reasons why a file does not fit a model."""
    more = len(problems) - NUM_SHOWN
    clauses = [*problems[:NUM_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return f"{path} does not fit {model}: {'; '.join(clauses)}"
