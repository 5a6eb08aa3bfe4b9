"""Predictions: in the split's order for any batches, and without dropout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.encoder.batches import TokenExamples, joined
from pipeline.encoder.features import compute_vectors
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone
from pipeline.errors import TrainingError
from pipeline.heads.examples import VectorExamples
from pipeline.heads.model import MultitaskBert
from pipeline.heads.predict import predict
from tests.splits import random_split

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", ["sst", "quora", "sts", "joint quora", "joint sts"])
def test_batches_pieces_of_speed_and_stored_vectors_do_not_change_predictions(
    kind: str, tiny_backbone_dir: Path
) -> None:
    encoding, _, corpus = kind.rpartition(" ")
    split = random_split(corpus, 11)  # type: ignore[arg-type]
    split = joined(split) if encoding else split
    torch.manual_seed(0)
    kernels = (PLAIN, replace(PLAIN, merge_pairs=True, trim_last_layer=True))
    plain, fast = (load_backbone(tiny_backbone_dir, each) for each in kernels)
    whole, faster, heads = (
        MultitaskBert(each, (split.corpus.name,), 32, 0.3) for each in (plain, fast, None)
    )
    faster.load_state_dict(whole.state_dict())
    heads.heads.load_state_dict(whole.heads.state_dict())
    alone = predict(whole, TokenExamples(split, CPU), 1)
    np.testing.assert_allclose(predict(faster, TokenExamples(split, CPU), 4), alone, atol=1e-5)
    vectors = VectorExamples(split, torch.from_numpy(compute_vectors(split, plain, 4, CPU)))
    np.testing.assert_allclose(predict(heads, vectors, 4), alone, atol=1e-4)  # float16


def test_an_empty_split_has_no_predictions_and_too_large_a_batch_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = MultitaskBert(None, ("sst",), 32, 0.3)
    monkeypatch.setattr(VectorExamples, "batch", full)
    empty, some = (
        VectorExamples(random_split("sst", count), torch.zeros(count, 1, 32)) for count in (0, 11)
    )
    assert predict(model, empty, 4).shape == (0,)
    message = (
        r"^a batch of 4 examples of up to \d+ tokens of sst does not fit into the memory of cpu; "
        r"lower evaluation\.batch_size in params\.yaml$"
    )
    with pytest.raises(TrainingError, match=message):
        predict(model, some, 4)
