"""Arrays on disk: written completely or not at all, and read without unpickling."""

from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.files import replacing


class _Bytes:
    """A wrapper that hides a real file from numpy.

    numpy writes to a real file with C functions, and on a full disk its OSError has no errno.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """Write all of it, or raise an OSError with errno."""
        return self._file.write(data)


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as .npy.

    Raises:
        OSError: with errno and file name, if the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(_Bytes(file), array, allow_pickle=False)


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
