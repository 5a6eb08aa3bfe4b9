"""docs/walk.md lists the functions that a real batch goes through, in the order of their calls."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import pipeline
from pipeline.core import paths
from pipeline.encoder.batches import Batch, Chosen, TokenExamples
from pipeline.encoder.kernels import kernels_on
from pipeline.heads.examples import open_examples, open_model
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, plan_of
from tests.torture.repository import ROOT, Repository

SOURCE = Path(pipeline.__file__).parent
ROW = re.compile(r"\| `([\w.]+)` \| \[`[\w/.]+`\]\(\.\./pipeline/([\w/.]+)\)")
ANY_ARRAYS = ("core/arrays.py", "encoder/dropout.py")
LAST = ("heads/model.py", "loss_of")
PROPERTIES = {p.fget.__code__ for p in vars(TokenizedSplit).values() if isinstance(p, property)}
CPU = torch.device("cpu")


def has_examples(value: object) -> bool:
    """Say whether a value is made of examples: arrays, or what holds them."""
    if isinstance(value, dict):
        return any(map(has_examples, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_examples, value))
    return isinstance(value, np.ndarray | Tensor | Batch | Chosen | TokenizedSplit | TokenExamples)


@contextmanager
def followed(found: dict[tuple[str, str], bool]) -> Iterator[None]:
    """Note the functions of ours that are called up to the loss, and which have examples."""
    layers: list[FrameType] = []  # the one whose inside is passed over

    def note(frame: FrameType, event: str, returned: Any) -> None:
        code, path = frame.f_code, Path(frame.f_code.co_filename)
        if not path.is_relative_to(SOURCE) or code in PROPERTIES or found.get(LAST):
            return
        file, name = str(path.relative_to(SOURCE)), code.co_qualname.removesuffix(".__init__")
        if event == "return" and layers == [frame]:
            layers.clear()
        if layers or file in ANY_ARRAYS or "<" in name:
            return
        names = code.co_varnames[: code.co_argcount]
        values = [frame.f_locals.get(name) for name in names if name != "self"]
        found[file, name] = found.get((file, name), False) or has_examples([*values, returned])
        if event == "call" and name.endswith("Layer.forward"):
            layers.append(frame)

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.slow
def test_a_batch_goes_through_the_functions_on_the_page(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.folder)
    params = load_params()
    several = params.run("multitask-finetune")
    run = several.model_copy(update={"batch_size": {"sts": 4}, "idle_heads": None})
    found: dict[tuple[str, str], bool] = {}
    with followed(found):
        train = open_examples(run, "train", CPU)
    model = open_model(run, train, kernels_on(CPU, params.speed.forward), paths.BACKBONE)
    trainer = Trainer(model, train, open_examples(run, "dev", CPU), plan_of(params, run))
    trainer.model.train()
    with followed(found):
        trainer.step(*trainer._turns()[0])
    page = (ROOT / "docs/walk.md").read_text(encoding="utf-8")
    listed = [(file, name) for name, file in ROW.findall(page)]
    assert [called for called, has_some in found.items() if has_some] == listed
    assert len(listed) <= 20
    assert len({file for file, _ in listed}) <= 9
