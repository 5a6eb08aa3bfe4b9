"""Arrays on disk: written completely or not at all, and read without unpickling."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.files import replacing


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as .npy.

    Raises:
        OSError: with errno and file name, if the file cannot be written.
    """
    # not "wb": numpy writes to such a file with C functions, whose OSError has no errno
    with replacing(path) as temporary, temporary.open("w+b") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, mapped: Literal["r", "c"] | None = None) -> NDArray[np.generic]:
    """Read an array from .npy and no other format; `np.load` would also read archives.

    A mapped file is read-only ("r") or changed in memory only ("c").

    Raises:
        OSError, ValueError, EOFError: the file is missing or damaged, or holds objects.
    """
    if mapped:
        return np.lib.format.open_memmap(path, mode=mapped)
    with path.open("rb") as file:
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
        return array
