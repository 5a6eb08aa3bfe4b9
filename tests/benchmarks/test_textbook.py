"""The textbook learns what ours learns: what it is compared in is speed alone."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.textbook import AdamW, Textbook
from pipeline.model.bert import MinBert
from pipeline.model.multitask import encode
from pipeline.tasks import CorpusName, Mode
from pipeline.tokens.token_cache import TokenizedSplit

MakeSplit = Callable[[CorpusName, int], TokenizedSplit]
FOUR = np.arange(4)


def textbook_on(split: TokenizedSplit, backbone: MinBert, mode: Mode = "finetune") -> Textbook:
    weights = {name: value.clone() for name, value in backbone.state_dict().items()}
    return Textbook(split, weights, backbone.config, mode, torch.device("cpu"))


def snapshot(textbook: Textbook) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in textbook.bert.state_dict().items()}


@pytest.mark.parametrize("corpus", ["sst", "quora"])
def test_its_sentence_vectors_are_those_of_minbert(
    corpus: CorpusName, backbone: MinBert, make_split: MakeSplit
) -> None:
    split = make_split(corpus, 4)
    textbook = textbook_on(split, backbone)
    textbook.bert.eval()
    for sentence in range(split.corpus.task.num_sentences):
        lists = [split.sentences(int(i))[sentence].tolist() for i in FOUR]
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(x) for x in lists], batch_first=True)
        pooling = split.corpus.task.pooling
        ours = encode(backbone.eval(), ids[:, None], (ids > 0)[:, None], pooling)[:, 0]
        assert (textbook.vectors(lists) - ours).abs().max() < 1e-5


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


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_a_finetune_step_moves_every_part_of_it(
    corpus: CorpusName, backbone: MinBert, make_split: MakeSplit
) -> None:
    torch.manual_seed(1)
    textbook = textbook_on(make_split(corpus, 8), backbone)
    before = snapshot(textbook)
    for _ in range(3):
        textbook.step(np.arange(8))
    same = {name for name, value in textbook.bert.state_dict().items() if before[name].equal(value)}
    # where token vectors are averaged nothing reads the pooler
    unread = {"pooler.dense.weight", "pooler.dense.bias"}
    assert same <= (unread if textbook.corpus.task.pooling != "pooled" else set())


def test_frozen_its_encoder_stays_and_its_head_learns(
    backbone: MinBert, make_split: MakeSplit
) -> None:
    torch.manual_seed(1)
    textbook = textbook_on(make_split("sst", 8), backbone, "pretrain")
    encoder = snapshot(textbook)
    head = [value.clone() for value in textbook.head.parameters()]
    textbook.step(np.arange(8))
    assert all(encoder[name].equal(value) for name, value in textbook.bert.state_dict().items())
    assert not all(a.equal(b) for a, b in zip(head, textbook.head.parameters(), strict=True))


def test_frozen_its_encoder_keeps_its_dropout(backbone: MinBert, make_split: MakeSplit) -> None:
    textbook = textbook_on(make_split("sst", 4), backbone, "pretrain")
    sentence = [[1, 2, 3, 4]]
    assert not textbook.vectors(sentence).equal(textbook.vectors(sentence))
