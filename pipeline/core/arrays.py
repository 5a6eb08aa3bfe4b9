"""Writes arrays atomically, and reads them without unpickling."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.files import replacing


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as a .npy file.

    Raises:
        OSError: the file cannot be written; the error has errno and the file name.
    """
    # not "wb": numpy would write with C functions, whose OSError has no errno
    with replacing(path) as temporary, temporary.open("w+b") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, mapped: Literal["r", "c"] | None = None) -> NDArray[np.generic]:
    """Read an array from a .npy file and no other format; `np.load` would also read archives.

    A memory-mapped file is read-only ("r") or copy-on-write ("c").

    Raises:
        OSError, ValueError, EOFError: the file is missing or damaged, or contains objects.
    """
    if mapped:
        return np.lib.format.open_memmap(path, mode=mapped)
    with path.open("rb") as file:
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
        return array
