"""Features: all vectors are stored, or none.

tests/heads/test_predict.py tests that each example gets its own vectors in any batch.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.core.files import write_json
from pipeline.core.records import FeatureCounts
from pipeline.encoder.features import compute_vectors, read_features, write_features
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone
from pipeline.errors import CorpusError, SchemaError, TrainingError
from tests.splits import random_split

CPU = torch.device("cpu")


def test_damaged_vectors_and_those_of_another_version_are_refused(tmp_path: Path) -> None:
    FeatureCounts(examples={}).write(tmp_path / "features.json")
    (tmp_path / "dev.npy").write_bytes(b"junk")
    for split in ("dev", "train"):
        with pytest.raises(CorpusError, match=rf"{split}\.npy is missing or damaged"):
            read_features(tmp_path, split)
    write_json(tmp_path / "features.json", {"schema": "features/0"})
    with pytest.raises(SchemaError, match="its schema is features/0, this one reads features/1"):
        read_features(tmp_path, "dev")


def test_written_vectors_are_read_back_and_survive_a_failure(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(tiny_backbone_dir, PLAIN)
    out = tmp_path / "sts"
    write_features(
        {"dev": random_split("sts", 5), "test": random_split("sts", 0)}, backbone, 4, CPU, out
    )
    expected = compute_vectors(random_split("sts", 5), backbone, 4, CPU)
    np.testing.assert_array_equal(read_features(out, "dev"), expected)
    assert read_features(out, "test").shape == (0, 2, 32)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pipeline.encoder.features.encode", full)
    with pytest.raises(TrainingError, match="does not fit into the memory of cpu"):
        write_features(
            {"test": random_split("sts", 0), "dev": random_split("sts", 5)}, backbone, 4, CPU, out
        )
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]
