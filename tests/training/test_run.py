"""A run's fingerprint changes with everything that affects its numbers, and only then."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.records import RunInputs
from pipeline.encoder.kernels import PLAIN, Kernels
from pipeline.errors import TrainingError
from pipeline.plumbing.params import Params
from pipeline.training import run
from pipeline.training.loop import plan_of
from tests.params import PARAMS

NAME = "multitask-finetune"


def fingerprint(params: Params = PARAMS, name: str = NAME, **changes: Any) -> str:
    given = {"kernels": PLAIN, "device": torch.device("cpu"), "files": {"a": "1"}} | changes
    named = params.run(name)
    return run._fingerprint(named, plan_of(params, named), **given)


def with_run(**changes: Any) -> Params:
    changed = PARAMS.runs[NAME].model_copy(update=changes)
    return PARAMS.model_copy(update={"runs": {**PARAMS.runs, NAME: changed}})


def with_section(name: str, **changes: Any) -> Params:
    section = getattr(PARAMS, name).model_copy(update=changes)
    return PARAMS.model_copy(update={name: section})


REVERSED = dict(reversed(PARAMS.runs[NAME].batch_size.items()))
OTHERS: dict[str, Params] = {
    "learning rate": with_run(learning_rate=1.0),
    "dropout": with_run(dropout=0.5),
    "order of turns": with_run(batch_size=REVERSED),
    "profile": PARAMS.model_copy(update={"profile": "laptop"}),
    "seed": PARAMS.model_copy(update={"seed": 1}),
    "optimizer": with_section("optimizer", epsilon=1e-8),
    "dev batches": with_section("evaluation", batch_size=7),
    "buckets": with_section(
        "speed", training=PARAMS.speed.training.model_copy(update={"bucket_batches": 2})
    ),
    # when to write a checkpoint and how to score do not affect training
    "checkpoints": with_section("checkpoints", every_steps=1),
    "resamples": with_section("evaluation", bootstrap_resamples=100),
}


def test_the_fingerprint_depends_on_exactly_what_affects_the_numbers() -> None:
    still = [name for name, params in OTHERS.items() if fingerprint(params) == fingerprint()]
    assert still == ["checkpoints", "resamples"]


def test_inputs_kernels_and_versions_change_the_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = fingerprint()
    assert fingerprint() == whole
    assert fingerprint(files={"a": "2"}) != whole
    assert fingerprint(kernels=replace(PLAIN, bf16=True)) != whole
    for owner, name, value in (
        (torch, "__version__", "0.0"),
        (torch.cpu, "get_capabilities", dict),
        (run, "sha256_of", lambda _: "another code"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, value)
            assert fingerprint() != whole, name


@pytest.mark.parametrize(
    ("name", "kernels", "depends"),
    [
        (NAME, PLAIN, True),
        (NAME, replace(PLAIN, bf16=True, layers="fused"), False),
        ("multitask-pretrain", PLAIN, False),
    ],
)
def test_the_number_of_threads_matters_only_for_products_in_float32_or_plain_layers(
    name: str, kernels: Kernels, depends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(name=name, kernels=kernels)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert (fingerprint(name=name, kernels=kernels) != before) == depends


def write_inputs(files: dict[str, str]) -> None:
    listed = RunInputs(run=NAME, pair_encoding="joint", files=files, files_of_other_encoding={})
    listed.write(paths.inputs_json(NAME))


def test_inputs_that_change_while_it_waits_are_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("tokens").write_text("as listed")
    files = {"tokens": sha256_of(Path("tokens"))}
    write_inputs(files)

    @contextmanager
    def waited(name: str, fingerprint: str) -> Iterator[Path]:
        Path("tokens").write_text("other")
        files["tokens"] = sha256_of(Path("tokens"))
        write_inputs(files)
        yield here

    monkeypatch.setattr(run, "own_checkpoint", waited)
    with pytest.raises(TrainingError, match="tokens has changed since it was listed"):
        run.train_run(PARAMS, NAME, here)
