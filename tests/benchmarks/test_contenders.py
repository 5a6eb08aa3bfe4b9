"""The textbook and Hugging Face contenders learn the same as ours; only their speed differs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.textbook import AdamW, Textbook
from pipeline.core.tasks import CorpusName, Mode
from pipeline.encoder.batches import TokenExamples, on_device
from pipeline.heads.model import MultitaskBert
from tests.splits import random_split

pytest.importorskip("transformers", reason="transformers is not installed: make bench does so")

from benchmarks.hugging_face import HuggingFaceLoop

CPU = torch.device("cpu")


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_all_compute_the_same_outputs(corpus: CorpusName, tiny_backbone_dir: Path) -> None:
    split = random_split(corpus, 4)
    textbook = Textbook(split, tiny_backbone_dir, "finetune", CPU)
    loop = HuggingFaceLoop(split, tiny_backbone_dir, "finetune", CPU)
    ours = MultitaskBert(textbook.bert, (corpus,), textbook.bert.config.hidden_size, 0.3)
    for head in (ours.heads[corpus], loop.head):
        head.load_state_dict(textbook.head.state_dict())
    for module in (textbook.bert, textbook.head, loop.bert, loop.head, ours):
        module.eval()
    (chosen,) = on_device([np.arange(4)], split.lengths, CPU)
    with torch.no_grad():
        outputs = ours(split.corpus.name, TokenExamples(split, CPU).batch(chosen))
        for peer in (textbook, loop):
            assert torch.allclose(peer.outputs(np.arange(4)), outputs, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e-6])  # small gradients show where epsilon is added
def test_the_textbooks_adamw_equals_torchs(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    mine, idle = torch.nn.Parameter(torch.randn(7, 3, generator=generator)), torch.nn.Parameter()
    theirs = torch.nn.Parameter(mine.detach().clone())
    loop = AdamW([mine, idle], rate=1e-2)  # the other never has a gradient
    reference = torch.optim.AdamW([theirs], lr=1e-2, eps=1e-6, weight_decay=0.0)
    for _ in range(5):
        gradient = scale * torch.randn(7, 3, generator=generator)
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        loop.step()
        reference.step()
        assert (mine - theirs).abs().max() < 1e-6


@pytest.mark.parametrize("mode", ["finetune", "pretrain"])
@pytest.mark.parametrize("kind", [Textbook, HuggingFaceLoop])
@pytest.mark.parametrize("corpus", ["sst", "quora"])
def test_a_step_trains_the_parameters_of_its_mode(
    corpus: CorpusName, kind: Any, mode: Mode, tiny_backbone_dir: Path
) -> None:
    peer = kind(random_split(corpus, 8), tiny_backbone_dir, mode, CPU)
    before = {name: value.clone() for name, value in peer.bert.named_parameters()}
    head = [value.clone() for value in peer.head.parameters()]
    for _ in range(3):
        peer.step(np.arange(8))
    moved = {n for n, value in peer.bert.named_parameters() if not before[n].equal(value)}
    # if token vectors are averaged, nothing reads the pooler
    read = {name for name in before if corpus == "sst" or not name.startswith("pooler")}
    assert moved == (read if mode == "finetune" else set())
    assert not all(a.equal(b) for a, b in zip(head, peer.head.parameters(), strict=True))


@pytest.mark.parametrize("kind", [Textbook, HuggingFaceLoop])
def test_frozen_peers_use_dropout(kind: Any, tiny_backbone_dir: Path) -> None:
    peer = kind(random_split("sst", 2), tiny_backbone_dir, "pretrain", CPU)
    sentence = np.array([1, 2, 3, 4], np.int32)
    assert not peer.vectors([sentence]).equal(peer.vectors([sentence]))
