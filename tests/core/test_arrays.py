"""arrays: the bytes of numpy's own format, and the errno of a write that fails."""

import errno
import io
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.arrays import write_array
from tests.full_disk import full_disk


@pytest.mark.parametrize(
    "array", [np.arange(6, dtype=np.float16).reshape(1, 2, 3).mT, np.array(["a", "é"]), np.empty(0)]
)
def test_the_file_is_what_numpy_would_write(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "new" / "a.npy", array)
    expected = io.BytesIO()
    np.save(expected, array)
    assert (tmp_path / "new" / "a.npy").read_bytes() == expected.getvalue()


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        write_array(tmp_path / "a.npy", np.array([object()]))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_with_its_errno_and_the_file(tmp_path: Path) -> None:
    # past the header: numpy writes the rest to a real file with functions of C
    with full_disk(after=1000), pytest.raises(OSError, match="File too large") as failure:
        write_array(tmp_path / "a.npy", np.zeros(100_000))
    assert failure.value.errno == errno.EFBIG
    assert failure.value.filename == str(tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []
