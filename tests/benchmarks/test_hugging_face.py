"""Hugging Face's model trains on the same loss as the textbook."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.core.tasks import CorpusName
from pipeline.heads.heads import loss_of
from pipeline.tokens.token_cache import TokenizedSplit

pytest.importorskip("transformers", reason="transformers is not installed: make bench does so")

from benchmarks.hugging_face import HuggingFaceLoop, HuggingFaceTrainer
from benchmarks.textbook import Textbook

CPU = torch.device("cpu")
MakeSplit = Callable[[CorpusName, int], TokenizedSplit]


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_its_loss_is_the_textbooks(
    corpus: CorpusName, make_split: MakeSplit, tiny_backbone_dir: Path
) -> None:
    split = make_split(corpus, 4)
    textbook = Textbook(split, tiny_backbone_dir, "finetune", CPU)
    loop = HuggingFaceLoop(split, tiny_backbone_dir, "finetune", CPU)
    loop.model.head.load_state_dict(textbook.head.state_dict())
    for module in (textbook.bert, textbook.head, loop.model):
        module.eval()
    with torch.no_grad():
        theirs = loop.model(**loop.collate([0, 1, 2, 3]))["loss"]
        labels = torch.from_numpy(split.labels)
        expected = loss_of(split.corpus, textbook.outputs(np.arange(4)), labels)
        assert theirs == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("mode", ["finetune", "pretrain"])
def test_its_loop_learns_what_the_mode_says(
    mode: Any, make_split: MakeSplit, tiny_backbone_dir: Path
) -> None:
    loop = HuggingFaceLoop(make_split("sst", 4), tiny_backbone_dir, mode, CPU)
    encoder = [value.clone() for value in loop.model.bert.parameters()]
    head = [value.clone() for value in loop.model.head.parameters()]
    loop.step(np.arange(4))
    assert _moved(head, loop.model.head)
    assert _moved(encoder, loop.model.bert) == (mode == "finetune")


def _moved(before: list[torch.Tensor], module: torch.nn.Module) -> bool:
    return any(not a.equal(b) for a, b in zip(before, module.parameters(), strict=True))


def test_its_trainer_times_every_batch(make_split: MakeSplit, tiny_backbone_dir: Path) -> None:
    trainer = HuggingFaceTrainer(make_split("sts", 8), tiny_backbone_dir, "finetune", CPU)
    seconds = trainer.turn([np.arange(4), np.arange(4, 8)])
    assert len(seconds) == 2
    assert min(seconds) > 0
