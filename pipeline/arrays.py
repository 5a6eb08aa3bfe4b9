"""Arrays on disk, whole or absent, with the machine's own word for what keeps them from it."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pipeline.files import replacing


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
