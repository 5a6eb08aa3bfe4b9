"""The textbook learns what ours learns: what it is compared in is speed alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.textbook import AdamW, Textbook
from pipeline.core.tasks import CorpusName, Mode
from pipeline.encoder.batches import on_device
from pipeline.heads.multitask import MultitaskBert
from pipeline.heads.predict import TokenExamples
from pipeline.tokens.token_cache import TokenizedSplit

MakeSplit = Callable[[CorpusName, int], TokenizedSplit]
CPU = torch.device("cpu")


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_its_outputs_are_those_of_our_model(
    corpus: CorpusName, make_split: MakeSplit, tiny_backbone_dir: Path
) -> None:
    split = make_split(corpus, 4)
    textbook = Textbook(split, tiny_backbone_dir, "finetune", CPU)
    ours = MultitaskBert(textbook.bert, (corpus,), textbook.bert.config.hidden_size, 0.3).eval()
    ours.heads[corpus].load_state_dict(textbook.head.state_dict())
    textbook.head.eval()
    (chosen,) = on_device([np.arange(4)], split.lengths, CPU)
    with torch.no_grad():
        expected = TokenExamples(split, CPU).outputs(ours, chosen)
        assert torch.allclose(textbook.outputs(np.arange(4)), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e-6])  # small gradients show where epsilon stands
def test_its_adamw_is_that_of_torch(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    mine = torch.nn.Parameter(torch.randn(7, 3, generator=generator))
    theirs = torch.nn.Parameter(mine.detach().clone())
    loop = AdamW([mine], rate=1e-2)
    reference = torch.optim.AdamW([theirs], lr=1e-2, eps=1e-6, weight_decay=0.0)
    for _ in range(5):
        gradient = scale * torch.randn(7, 3, generator=generator)
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        loop.step()
        reference.step()
        assert (mine - theirs).abs().max() < 1e-6


def test_its_adamw_leaves_parameters_without_gradient_alone() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    AdamW([parameter], rate=1.0).step()
    assert parameter.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("mode", ["finetune", "pretrain"])
@pytest.mark.parametrize("corpus", ["sst", "quora"])
def test_it_trains_what_the_mode_says_with_dropout_on(
    corpus: CorpusName, mode: Mode, make_split: MakeSplit, tiny_backbone_dir: Path
) -> None:
    textbook = Textbook(make_split(corpus, 8), tiny_backbone_dir, mode, CPU)
    before = {name: value.clone() for name, value in textbook.bert.named_parameters()}
    head = [value.clone() for value in textbook.head.parameters()]
    for _ in range(3):
        textbook.step(np.arange(8))
    moved = {n for n, value in textbook.bert.named_parameters() if not before[n].equal(value)}
    # where token vectors are averaged nothing reads the pooler
    read = {name for name in before if corpus == "sst" or not name.startswith("pooler")}
    assert moved == (read if mode == "finetune" else set())
    assert not all(a.equal(b) for a, b in zip(head, textbook.head.parameters(), strict=True))
    assert not textbook.vectors([[1, 2, 3, 4]]).equal(textbook.vectors([[1, 2, 3, 4]]))
