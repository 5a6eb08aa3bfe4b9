"""Arrays on disk: written whole or not at all, read without unpickling."""

from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.files import replacing


class _Bytes:
    """A file that numpy takes for no file.

    To a real one it writes with C's own functions and tells of a full disk without saying so:
    its OSError has no errno.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """Write all of it, or raise an OSError with errno."""
        return self._file.write(data)


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as .npy.

    Raises:
        OSError: with errno and the file's name, when the disk is full or will not be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(_Bytes(file), array, allow_pickle=False)


def read_array(path: Path, mapped: Literal["r", "c"] | None = None) -> NDArray[np.generic]:
    """Read an array from .npy, and from nothing else: numpy's own `load` takes archives too.

    Args:
        path: of the file.
        mapped: leave the array on disk, to be read ("r") or written in memory only ("c").

    Raises:
        OSError, ValueError, EOFError: the file is missing or damaged, or holds objects.
    """
    if mapped:
        return np.lib.format.open_memmap(path, mode=mapped)
    with path.open("rb") as file:
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
        return array
