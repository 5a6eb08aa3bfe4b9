"""MultitaskBert: pairs are encoded jointly or each sentence for itself; a frozen one is heads."""

from pathlib import Path

import pytest
import torch
import transformers

from pipeline.core.tasks import Pooling
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.pooling import encode
from pipeline.encoder.weights import load_backbone
from pipeline.heads.multitask import MultitaskBert


@pytest.mark.parametrize("pooling", ["pooled", "mean"])
def test_a_joint_pair_gives_the_vectors_and_gradients_of_hugging_face(
    tiny_backbone_dir: Path, pooling: Pooling
) -> None:
    """On the plain path; test_loop.py compares the fast ones with it."""
    ours = load_backbone(tiny_backbone_dir, PLAIN).eval()
    theirs = transformers.BertModel.from_pretrained(tiny_backbone_dir).eval()
    # two of `[CLS] a [SEP] [CLS] b [SEP]`, and where b begins
    ids = torch.tensor(
        [[[101, 7592, 102, 101, 2088, 2088, 102, 0]], [[101, 5, 6, 7, 102, 101, 8, 102]]]
    )
    mask, second = ids != 0, torch.tensor([3, 5])
    mine = encode(ours, ids, mask, pooling, second)
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


def test_each_corpus_has_its_own_head_over_the_shared_backbone(tiny_backbone_dir: Path) -> None:
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), ("quora", "sts"), 32, 0.3)
    model("sts", IDS, IDS != 0).sum().backward()
    assert all(parameter.grad is None for parameter in model.heads["quora"].parameters())
    assert all(parameter.grad is not None for parameter in model.heads["sts"].parameters())


def test_a_frozen_model_is_its_heads_alone_and_takes_no_tokens() -> None:
    model = MultitaskBert(None, ("sst", "sts"), 32, 0.3)
    assert sorted(model.state_dict()) == [
        f"heads.{corpus}.linear.{kind}" for corpus in ("sst", "sts") for kind in ("bias", "weight")
    ]
    assert model.head_outputs("sst", torch.randn(3, 1, 32)).shape == (3, 5)
    with pytest.raises(ValueError, match="come from `features`"):
        model("sts", IDS, IDS != 0)
