"""Predictions: in the split's order, whatever the batches, and without dropout."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.encoder.batches import joined
from pipeline.encoder.features import compute_vectors
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone
from pipeline.errors import TrainingError
from pipeline.heads.multitask import MultitaskBert
from pipeline.heads.predict import TokenExamples, VectorExamples, predict
from pipeline.tokens.token_cache import TokenizedSplit

CPU = torch.device("cpu")


def split_of(corpus: CorpusName, count: int) -> TokenizedSplit:
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 20, count * CORPORA[corpus].task.num_sentences)
    return TokenizedSplit(
        CORPORA[corpus],
        generator.integers(1000, 30000, lengths.sum()).astype(np.int32),
        np.cumsum([0, *lengths]),
        np.zeros(count, dtype=np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=0,
    )


KINDS = ["sst", "quora", "sts", "joint quora", "joint sts"]


def split_as(kind: str, count: int) -> TokenizedSplit:
    encoding, _, corpus = kind.rpartition(" ")
    split = split_of(corpus, count)  # type: ignore[arg-type]
    return joined(split) if encoding else split


@pytest.mark.parametrize("kind", KINDS)
def test_batches_do_not_change_predictions(kind: str, tiny_backbone_dir: Path) -> None:
    torch.manual_seed(0)
    split = split_as(kind, 11)
    backbone = load_backbone(tiny_backbone_dir, PLAIN)
    model = MultitaskBert(backbone, (split.corpus.name,), 32, 0.3)
    examples = TokenExamples(split, CPU)
    alone, together = predict(model, examples, 1), predict(model, examples, 4)
    np.testing.assert_allclose(alone, together, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_stored_vectors_give_what_tokens_give(kind: str, tiny_backbone_dir: Path) -> None:
    torch.manual_seed(0)
    backbone = load_backbone(tiny_backbone_dir, PLAIN)
    split = split_as(kind, 11)
    corpus = split.corpus.name
    whole = MultitaskBert(backbone, (corpus,), 32, 0.3)
    heads = MultitaskBert(None, (corpus,), 32, 0.3)
    heads.heads.load_state_dict(whole.heads.state_dict())
    vectors = torch.from_numpy(compute_vectors(split, backbone, 4, CPU))
    np.testing.assert_allclose(
        predict(heads, VectorExamples(split, vectors), 4),
        predict(whole, TokenExamples(split, CPU), 4),
        atol=1e-4,  # vectors are stored as float16
    )


def test_empty_split_has_no_predictions(tiny_backbone_dir: Path) -> None:
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), ("sts",), 32, 0.3)
    assert predict(model, TokenExamples(split_of("sts", 0), CPU), 4).shape == (0,)


def test_a_batch_that_does_not_fit_is_named(
    tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), ("sst",), 32, 0.3)

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model, "forward", full)
    said = (
        r"^a batch of 4 examples of up to \d+ tokens of sst does not fit into the memory of cpu; "
    )
    with pytest.raises(
        TrainingError, match=said + r"lower evaluation\.batch_size in params\.yaml$"
    ):
        predict(model, TokenExamples(split_of("sst", 11), CPU), 4)
