"""Trimmed word embeddings: the same training, and the full matrix at the end."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.encoder.bert import MinBert
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone
from pipeline.training.trimmed_embedding import TrimmedEmbedding, restore, trim

IDS = torch.tensor([[101, 2000, 30521, 102], [101, 7, 102, 0]])
IN_USE = [0, 7, 101, 102, 2000, 30521]


def trimmed(folder: Path) -> MinBert:
    model = load_backbone(folder, PLAIN).eval()
    trim(model, [np.array([101, 2000, 102, 30521], np.int32), np.array([7, 101], np.int32)])
    return model


def train(model: MinBert) -> list[float]:
    """Take three steps of AdamW; return their losses."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, eps=1e-6, weight_decay=0.0)
    losses = []
    for _ in range(3):
        loss = model.pooler(model(IDS, IDS != 0)[:, 0]).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_training_is_the_same_as_with_the_full_matrix(tiny_backbone_dir: Path) -> None:
    full, few = load_backbone(tiny_backbone_dir, PLAIN).eval(), trimmed(tiny_backbone_dir)
    rows = few.embeddings.word
    assert isinstance(rows, TrimmedEmbedding)
    assert rows.used.tolist() == IN_USE  # including padding
    assert [list(p.shape) for p in rows.parameters()] == [[6, 32]]
    np.testing.assert_allclose(train(few), train(full), rtol=1e-6)
    restore(few)
    before = load_backbone(tiny_backbone_dir, PLAIN).embeddings.word.weight
    mine, theirs = few.embeddings.word.weight, full.embeddings.word.weight
    assert isinstance(few.embeddings.word, torch.nn.Embedding)
    assert few.state_dict().keys() == full.state_dict().keys()
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)
    unused = [row for row in range(len(mine)) if row not in IN_USE]
    assert torch.equal(mine[unused], before[unused])
    assert not torch.equal(mine[IN_USE[1:]], before[IN_USE[1:]])


def test_an_id_outside_the_trimmed_matrix_is_an_error(tiny_backbone_dir: Path) -> None:
    with pytest.raises(IndexError):
        trimmed(tiny_backbone_dir)(torch.tensor([[101, 55]]), torch.ones(1, 2, dtype=torch.bool))
