"""Features: the frozen backbone's vectors, in the split's order, whatever the batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.core.files import write_record
from pipeline.core.schemas import FEATURES
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.encoder.batches import Batch
from pipeline.encoder.features import compute_vectors, read_features, write_features
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.pooling import encode
from pipeline.encoder.weights import load_backbone
from pipeline.errors import CorpusError, SchemaError, TrainingError
from tests.splits import random_split

CPU = torch.device("cpu")


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_vectors_are_those_of_each_example_alone(
    corpus: CorpusName, tiny_backbone_dir: Path
) -> None:
    backbone = load_backbone(tiny_backbone_dir, PLAIN)
    split = random_split(corpus, 9)
    vectors = compute_vectors(split, backbone, 4, CPU)
    assert vectors.shape == (9, CORPORA[corpus].task.num_sentences, 32)
    for i in range(9):
        for s, sentence in enumerate(split.sentences(i)):
            ids = torch.from_numpy(sentence.astype(np.int64)).view(1, 1, -1)
            with torch.no_grad():
                alone = encode(backbone, Batch(ids, ids > 0, None), CORPORA[corpus].task.pooling)
            # float16 keeps 11 bits
            np.testing.assert_allclose(vectors[i, s], alone[0, 0].numpy(), atol=1e-5, rtol=2**-11)


def test_damaged_vectors_and_those_of_another_version_are_refused(tmp_path: Path) -> None:
    write_record(tmp_path / "features.json", FEATURES, {})
    (tmp_path / "dev.npy").write_bytes(b"junk")
    for split in ("dev", "train"):
        with pytest.raises(CorpusError, match=rf"{split}\.npy is missing or damaged"):
            read_features(tmp_path, split)
    write_record(tmp_path / "features.json", FEATURES._replace(version=0), {})
    with pytest.raises(SchemaError, match="its schema is features/0, this one reads features/1"):
        read_features(tmp_path, "dev")


def test_written_vectors_come_back_and_a_failure_leaves_them_and_names_the_batch(
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
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("pipeline.encoder.features.encode", full)
    said = (
        r"^a batch of 4 examples of up to \d+ tokens of sts does not fit into the memory of cpu; "
        r"lower evaluation\.batch_size in params\.yaml$"
    )
    with pytest.raises(TrainingError, match=said):
        write_features(
            {"test": random_split("sts", 0), "dev": random_split("sts", 5)}, backbone, 4, CPU, out
        )
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]
