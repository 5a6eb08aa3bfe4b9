"""arrays: the bytes of numpy's own format. test_bad_input.py has the full disk."""

import io
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.arrays import write_array


@pytest.mark.parametrize(
    "array", [np.arange(6, dtype=np.float16).reshape(1, 2, 3).mT, np.array(["a", "é"]), np.empty(0)]
)
def test_the_file_equals_numpys(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "new" / "a.npy", array)
    expected = io.BytesIO()
    np.save(expected, array)
    assert (tmp_path / "new" / "a.npy").read_bytes() == expected.getvalue()


def test_objects_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        write_array(tmp_path / "a.npy", np.array([object()]))
    assert list(tmp_path.iterdir()) == []
