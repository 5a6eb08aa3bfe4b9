"""MultitaskBert: a pair's sentences are encoded each for itself; a frozen one is heads alone."""

from pathlib import Path

import pytest
import torch

from pipeline.model.kernels import PLAIN
from pipeline.model.multitask import MultitaskBert, encode
from pipeline.model.weights import load_backbone
from pipeline.tasks import Pooling


def ids_and_mask() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.tensor([[[101, 7592, 102, 0], [101, 2088, 2088, 102]]])
    return ids, ids != 0


@pytest.mark.parametrize("pooling", ["pooled", "mean"])
def test_partner_of_a_pair_does_not_change_a_sentence(
    tiny_backbone_dir: Path, pooling: Pooling
) -> None:
    backbone = load_backbone(tiny_backbone_dir, PLAIN).eval()
    ids, mask = ids_and_mask()
    pair = encode(backbone, ids, mask, pooling)
    alone = encode(backbone, ids[:, :1, :3], mask[:, :1, :3], pooling)
    assert pair.shape == (1, 2, 32)
    torch.testing.assert_close(pair[:, :1], alone, atol=1e-6, rtol=1e-5)


def test_each_corpus_has_its_own_head_over_the_shared_backbone(tiny_backbone_dir: Path) -> None:
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), ("quora", "sts"), 32, 0.3)
    ids, mask = ids_and_mask()
    model("sts", ids, mask).sum().backward()
    assert all(parameter.grad is None for parameter in model.heads["quora"].parameters())
    assert all(parameter.grad is not None for parameter in model.heads["sts"].parameters())


def test_frozen_model_is_its_heads_alone() -> None:
    model = MultitaskBert(None, ("sst", "sts"), 32, 0.3)
    assert sorted(model.state_dict()) == [
        f"heads.{corpus}.linear.{kind}" for corpus in ("sst", "sts") for kind in ("bias", "weight")
    ]
    assert model.head_outputs("sst", torch.randn(3, 1, 32)).shape == (3, 5)


def test_frozen_model_does_not_take_tokens() -> None:
    with pytest.raises(ValueError, match="come from `features`"):
        MultitaskBert(None, ("sts",), 32, 0.3)("sts", *ids_and_mask())
