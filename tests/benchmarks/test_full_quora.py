"""The frozen path at scale, here on a few pairs."""

from pathlib import Path

import numpy as np

from benchmarks.full_quora import measure, write_vectors
from pipeline.encoder.features import read_features


def test_vectors_are_written_as_a_features_stage_would(tmp_path: Path) -> None:
    write_vectors(tmp_path / "train.npy", 5000, 3)
    vectors = read_features(tmp_path, "train")
    assert (vectors.shape, vectors.dtype) == ((5000, 2, 3), np.float16)
    assert 0.9 < vectors.astype(float).std() < 1.1


def test_an_epoch_tells_its_rate_disk_and_memory() -> None:
    told = measure(pairs=64, width=8)
    assert told["disk_mb"] * 2**20 == 64 * 2 * 8 * 2 + 128  # and the header of an .npy file
    assert told["peak_memory_mb"] > told["disk_mb"]
    assert np.isclose(told["steps_per_second"] * told["seconds_per_epoch"], 4)
