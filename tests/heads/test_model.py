"""Heads and losses with numbers that can be checked by hand, and the backbone below them."""

import math
from pathlib import Path

import pytest
import torch
import transformers

from pipeline.core.tasks import CORPORA, CorpusName, Pooling
from pipeline.encoder.batches import Batch
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.pooling import encode
from pipeline.encoder.weights import load_backbone
from pipeline.heads.model import (
    Head,
    MultitaskBert,
    loss_of,
    predictions_of,
    probabilities_of,
)

D = 3


def head_of(corpus: CorpusName, weight: float = 0.0) -> Head:
    head = Head(CORPORA[corpus], D, dropout=0.3).eval()
    torch.nn.init.constant_(head.linear.weight, weight)
    torch.nn.init.constant_(head.linear.bias, 0.0)
    return head


def test_the_vectors_of_a_pair_are_concatenated_and_similarity_has_a_relu() -> None:
    vectors = torch.tensor([[[1.0, 0, 1], [0, 1, 1]], [[-1, 0, 0], [0, 0, 0]]])
    for corpus, outputs in (("quora", [54.0, -1.0]), ("sts", [54.0, 0.0])):
        head = head_of(corpus)
        with torch.no_grad():
            head.linear.weight.copy_(torch.tensor([[1.0, 2, 3, 10, 20, 30]]))
        assert head(vectors).tolist() == outputs


def test_dropout_is_applied_before_the_linear_layer_and_only_in_training() -> None:
    head = head_of("sts", weight=1.0)
    vectors = torch.ones(1000, 2, D)
    assert torch.equal(head(vectors), torch.full((1000,), 6.0))
    torch.manual_seed(0)
    dropped = head.train()(vectors)
    assert dropped.mean().item() == pytest.approx(6.0, abs=0.2)  # rescaled by 1 / 0.7
    assert dropped.unique().numel() > 3


@pytest.mark.parametrize(
    ("corpus", "outputs", "labels", "by_hand"),
    [
        ("sst", [[0.0] * 5] * 4, [0.0, 1, 2, 4], math.log(5)),
        # the loss includes the sigmoid
        ("quora", [2.0, -1.0], [1.0, 0.0], math.log((1 + math.exp(-2)) * (1 + math.exp(-1))) / 2),
        ("sts", [1.0, 4.0], [3.0, 5.0], (4 + 1) / 2),
    ],
)
def test_losses_by_hand(
    corpus: CorpusName, outputs: list[object], labels: list[float], by_hand: float
) -> None:
    loss = loss_of(CORPORA[corpus], torch.tensor(outputs), torch.tensor(labels))
    assert loss.item() == pytest.approx(by_hand)


def test_predictions_are_on_the_labels_scale() -> None:
    assert predictions_of(CORPORA["sst"], torch.eye(5)).tolist() == [0, 1, 2, 3, 4]
    # more classes than examples, so that the two dimensions cannot be confused
    assert predictions_of(CORPORA["sst"], torch.tensor([[0.0, 2, 1, 0, 0]])).tolist() == [1]
    # 0.5 counts as no paraphrase
    assert predictions_of(CORPORA["quora"], torch.tensor([-0.1, 0, 0.1])).tolist() == [0, 0, 1]
    assert predictions_of(CORPORA["sts"], torch.tensor([0.0, 3.5])).tolist() == [0, 3.5]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_outputs_give_no_prediction(value: float) -> None:
    logits = torch.eye(5)
    logits[2, 4] = value
    for corpus, outputs in (
        (CORPORA["sst"], logits),
        (CORPORA["quora"], torch.tensor([1.0, 1.0, value])),
        (CORPORA["sts"], torch.tensor([1.0, 1.0, value])),
    ):
        assert predictions_of(corpus, outputs).isnan().tolist()[:3] == [False, False, True]


def test_probabilities_by_hand() -> None:
    sst = probabilities_of(CORPORA["sst"], torch.tensor([[0.0, 0, 0, 0, math.log(6)]]))
    assert sst.tolist() == [pytest.approx([0.1, 0.1, 0.1, 0.1, 0.6])]
    quora = probabilities_of(CORPORA["quora"], torch.tensor([math.log(3)]))
    assert quora.tolist() == [pytest.approx([0.25, 0.75])]


@pytest.mark.parametrize("pooling", ["pooled", "mean"])
def test_joint_pairs_have_hugging_faces_vectors_and_gradients(
    tiny_backbone_dir: Path, pooling: Pooling
) -> None:
    """With the plain layers; test_loop.py compares the fast ones with them."""
    ours = load_backbone(tiny_backbone_dir, PLAIN).eval()
    theirs = transformers.BertModel.from_pretrained(tiny_backbone_dir).eval()
    # two times `[CLS] a [SEP] [CLS] b [SEP]`, and where b begins
    ids = torch.tensor(
        [[[101, 7592, 102, 101, 2088, 2088, 102, 0]], [[101, 5, 6, 7, 102, 101, 8, 102]]]
    )
    mask, second = ids != 0, torch.tensor([3, 5])
    mine = encode(ours, Batch(ids, mask, second), pooling)
    hidden = theirs(ids[:, 0], attention_mask=mask[:, 0].long()).last_hidden_state
    sentences = [hidden[0, :3], hidden[0, 3:7], hidden[1, :5], hidden[1, 5:]]
    vectors = [theirs.pooler(s[None])[0] if pooling == "pooled" else s.mean(0) for s in sentences]
    expected = torch.stack(vectors).view(2, 2, 32)
    assert mine.shape == (2, 2, 32)
    torch.testing.assert_close(mine, expected, atol=1e-5, rtol=0)
    weighting = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    (mine * weighting).sum().backward()
    (expected * weighting).sum().backward()
    words = theirs.embeddings.word_embeddings.weight.grad
    torch.testing.assert_close(ours.embeddings.word.weight.grad, words, atol=1e-4, rtol=1e-3)
    query = theirs.encoder.layer[-1].attention.self.query.weight.grad
    last = ours.encoder.layers[-1].attention.query.weight.grad
    torch.testing.assert_close(last, query, atol=1e-4, rtol=1e-3)


IDS = torch.tensor([[[101, 7592, 102, 0], [101, 2088, 2088, 102]]])
BATCH = Batch(IDS, IDS != 0, None)


def test_each_corpus_has_its_own_head_on_the_shared_backbone(tiny_backbone_dir: Path) -> None:
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), ("quora", "sts"), 32, 0.3)
    model("sts", BATCH).sum().backward()
    assert all(parameter.grad is None for parameter in model.heads["quora"].parameters())
    assert all(parameter.grad is not None for parameter in model.heads["sts"].parameters())


def test_a_frozen_model_has_only_heads_and_reads_no_tokens() -> None:
    model = MultitaskBert(None, ("sst", "sts"), 32, 0.3)
    assert sorted(model.state_dict()) == [
        f"heads.{corpus}.linear.{kind}" for corpus in ("sst", "sts") for kind in ("bias", "weight")
    ]
    assert model("sst", torch.randn(3, 1, 32)).shape == (3, 5)
    with pytest.raises(ValueError, match="come from `features`"):
        model("sts", BATCH)
