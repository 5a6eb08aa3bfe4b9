"""Resuming a killed run: the same bits wherever it was killed, never from other settings."""

import errno
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pipeline.core.tasks import CorpusName
from pipeline.encoder.kernels import Kernels
from pipeline.errors import PipelineError, StopError
from pipeline.plumbing.params import CheckpointsParams
from pipeline.training import resume
from pipeline.training.loop import Trainer
from pipeline.training.resume import Checkpoint, read_checkpoint
from tests.full_disk import full_disk
from tests.training.conftest import PLAN, finetuned, frozen

EVERY_STEP = CheckpointsParams(every_seconds=1e9, every_steps=1)
NEVER = CheckpointsParams(every_seconds=1e9, every_steps=10**9)
FAST = Kernels(
    bf16=False,
    layers="fused",
    attention="sdpa",
    pack_tokens=True,
    cheap_dropout=True,
    merge_pairs=True,
    trim_last_layer=True,
)
SIZES: dict[CorpusName, int] = {"sst": 8, "quora": 14, "sts": 10}
IDLE = replace(PLAN, idle_heads="step")  # some kills come in turns of other heads
Make = Callable[[], Trainer]


def small() -> Trainer:
    """Make a trainer for 2 epochs with 10 steps each."""
    return frozen({"sts": 40}, dropout=0.3)


@pytest.fixture(params=["single frozen", "multi frozen", "single finetune", "multi finetune"])
def make(request: pytest.FixtureRequest, tiny_backbone_dir: Path) -> Make:
    """Return a function that makes new trainers, as a new process would."""
    return {
        "single frozen": small,
        "multi frozen": lambda: frozen(SIZES, IDLE, 0.3),
        "single finetune": lambda: finetuned(tiny_backbone_dir, ["sts"], kernels=FAST),
        "multi finetune": lambda: finetuned(
            tiny_backbone_dir, list(SIZES), IDLE, kernels=FAST, is_joint=True
        ),
    }[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "training.safetensors"


class Killed(Exception):  # noqa: N818
    """Simulates the end of a process."""


def assert_same(one: Trainer, other: Trainer) -> None:
    for trainer in (one, other):
        trainer.finish()
    for name in ("history", "best_epoch", "stopped"):
        assert getattr(one.progress, name) == getattr(other.progress, name)
    state = other.model.state_dict()
    assert one.model.state_dict().keys() == state.keys()
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_a_run_killed_after_every_step_gives_the_same_bits(make: Make, path: Path) -> None:
    whole, boundaries = make(), []
    whole.fit("test", lambda trainer: boundaries.append(trainer.progress.step))

    def one_step(trainer: Trainer) -> None:
        Checkpoint(path, "test", EVERY_STEP).boundary(trainer)
        raise Killed

    for kills in range(len(boundaries) + 1):
        torch.manual_seed(99)
        trainer = make()
        assert Checkpoint(path, "test", NEVER).restore(trainer) == (kills > 0)
        if kills < len(boundaries):
            with pytest.raises(Killed):
                trainer.fit("test", one_step)
    trainer.fit("test", lambda _: pytest.fail("there is no step left"))
    assert_same(trainer, whole)


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_a_finished_run_is_kept_without_the_state_for_further_steps(
    is_spoiled: bool, path: Path
) -> None:
    whole = small()
    if is_spoiled:
        whole.labels["sts"][:] = float("nan")
    whole.fit("test")
    assert (whole.progress.stopped is not None) == is_spoiled
    Checkpoint(path, "test", NEVER).save(whole)
    assert {name.split(".")[0] for name in load_file(path)} == {"best"}
    restored = small()
    assert Checkpoint(path, "test", NEVER).restore(restored)
    restored.fit("test", lambda _: pytest.fail("there is no step left"))
    assert_same(restored, whole)


@pytest.mark.parametrize(
    ("every", "writes"),
    [
        (CheckpointsParams(every_seconds=1e9, every_steps=7), 22 // 7),
        (CheckpointsParams(every_seconds=1e-9, every_steps=10**9), 22),
        (NEVER, 0),
    ],
)
def test_a_checkpoint_is_written_after_some_steps_or_seconds(
    every: CheckpointsParams, writes: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Path] = []
    monkeypatch.setattr(resume, "write_checkpoint", lambda path, _: saved.append(path))
    small().fit("test", Checkpoint(path, "test", every).boundary)  # epochs end at one too
    assert saved == [path] * writes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_next_boundary_and_the_run_continues_later(
    number: int, path: Path
) -> None:
    whole = small()
    whole.fit("test")
    checkpoint = Checkpoint(path, "sts-pretrain", NEVER)

    def boundary(trainer: Trainer) -> None:
        if trainer.progress.step == 3:
            os.kill(os.getpid(), number)
        checkpoint.boundary(trainer)

    before = signal.getsignal(number)
    with pytest.raises(StopError, match="sts-pretrain stopped by") as stop, checkpoint.listening():
        small().fit("test", boundary)
    assert stop.value.exit_status == 128 + number
    assert signal.getsignal(number) is before
    resumed = small()
    assert Checkpoint(path, "test", NEVER).restore(resumed)
    assert resumed.progress.step == 3
    resumed.fit("test")
    assert_same(resumed, whole)


def test_the_second_signal_stops_at_once(path: Path) -> None:
    checkpoint = Checkpoint(path, "test", NEVER)
    with checkpoint.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert checkpoint.stop == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def written(path: Path) -> Path:
    small().fit("test", Checkpoint(path, "test", EVERY_STEP).boundary)
    read_checkpoint(path)
    return path


def with_metadata(path: Path, name: str, old: str, new: str) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert old in metadata[name]
    save_file(load_file(path), path, metadata | {name: metadata[name].replace(old, new)})


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:-3] + b"flp"),
    "empty": lambda path: path.write_bytes(b""),
    "history": lambda path: with_metadata(path, "progress", '"best_epoch": ', '"best_epoch": 1'),
    "version": lambda path: with_metadata(path, "schema", "checkpoint/1", "checkpoint/0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoints_and_those_of_another_version_are_not_used(
    damage: str, written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGES[damage](written)
    message = "its schema is checkpoint/0" if damage == "version" else "is damaged"
    with pytest.raises(PipelineError, match=rf"training\.safetensors.* {message}"):
        read_checkpoint(written)
    trainer = small()
    assert not Checkpoint(written, "sts-pretrain", NEVER).restore(trainer)
    assert "sts-pretrain  starts again: " in caplog.text
    assert (trainer.progress.epoch, trainer.progress.step) == (1, 0)
    assert [p.name for p in written.parent.iterdir()] == ["training.damaged"]


def test_a_full_disk_prevents_the_checkpoint_but_not_the_training(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = small()
    with full_disk():
        trainer.fit("test", Checkpoint(path, "test", EVERY_STEP).boundary)
    assert len(trainer.progress.history) == 2
    assert list(path.parent.iterdir()) == []
    assert f"could not write its checkpoint {path}: " in caplog.text
    assert "File too large" in caplog.text


def test_a_temporary_read_error_does_not_discard_the_checkpoint(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(resume, "safe_open", full)
    with pytest.raises(OSError, match="Too many open files"):
        Checkpoint(written, "test", NEVER).restore(small())
    assert written.exists()
