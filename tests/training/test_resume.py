"""Going on with a killed training: the same bits wherever it was killed, and never another's."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.batches import joined
from pipeline.errors import PipelineError, SchemaError, StopError
from pipeline.evaluation.metrics import Score
from pipeline.evaluation.predict import Examples, TokenExamples, VectorExamples
from pipeline.model.kernels import Kernels
from pipeline.model.multitask import MultitaskBert
from pipeline.model.weights import load_backbone
from pipeline.params import CheckpointsParams, OptimizerParams, TrainingSpeedParams
from pipeline.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training import loop, resume
from pipeline.training.history import EpochRow
from pipeline.training.loop import Trainer, TrainingPlan
from pipeline.training.resume import Checkpoint, read_checkpoint

CPU = torch.device("cpu")
PLAN = TrainingPlan(
    epochs=2,
    learning_rate=1e-2,
    batch_size={"sst": 4, "quora": 4, "sts": 4},
    optimizer=OptimizerParams(weight_decay=0.0, betas=(0.9, 0.999), epsilon=1e-6),
    speed=TrainingSpeedParams(
        bucket_batches=2, trim_vocabulary=True, fused_adamw=True, keep_memory=False
    ),
    dev_batch_size=8,
    seed=1,
)
EVERY_STEP = CheckpointsParams(every_seconds=1e9, every_steps=1)
NEVER = CheckpointsParams(every_seconds=1e9, every_steps=10**9)
SIZES: dict[CorpusName, int] = {"sst": 8, "quora": 14, "sts": 10}
Make = Callable[[], Trainer]


def split_of(corpus: CorpusName, count: int) -> TokenizedSplit:
    generator = np.random.default_rng(count)
    sentences = [
        [101, *generator.integers(2000, 2050, generator.integers(1, 6)), 102]
        for _ in range(count * CORPORA[corpus].task.num_sentences)
    ]
    return TokenizedSplit(
        CORPORA[corpus],
        np.array([i for sentence in sentences for i in sentence], dtype=np.int32),
        np.cumsum([0, *map(len, sentences)]),
        generator.integers(0, 2, count).astype(np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=0,
    )


def vectors_of(split: TokenizedSplit) -> VectorExamples:
    shape = (len(split), split.corpus.task.num_sentences, 32)
    return VectorExamples(split, torch.randn(shape, generator=torch.Generator().manual_seed(3)))


@pytest.fixture(params=["single frozen", "multi frozen", "single finetune", "multi finetune"])
def make(request: pytest.FixtureRequest, tiny_backbone_dir: Path) -> Make:
    """Return a maker of new trainers, as a new process would make them."""
    corpora: list[CorpusName] = ["sst", "quora", "sts"]
    plan = replace(PLAN, idle_heads="step")  # kills fall into other heads' turns too
    if "single" in request.param:
        corpora, plan = ["sts"], PLAN
    fast = Kernels(
        bf16=False,
        layers="fused",
        attention="sdpa",
        pack_tokens=True,
        cheap_dropout=True,
        merge_pairs=True,
        trim_last_layer=True,
    )

    def new() -> Trainer:
        torch.manual_seed(PLAN.seed)
        splits = {corpus: split_of(corpus, SIZES[corpus]) for corpus in corpora}
        splits = {c: joined(s) if s.corpus.is_pair else s for c, s in splits.items()}
        if "frozen" in request.param:
            model = MultitaskBert(None, corpora, 32, 0.3)
            examples: dict[CorpusName, Examples] = {c: vectors_of(s) for c, s in splits.items()}
        else:
            model = MultitaskBert(load_backbone(tiny_backbone_dir, fast), corpora, 32, 0.3)
            examples = {corpus: TokenExamples(split, CPU) for corpus, split in splits.items()}
        return Trainer(model, examples, examples, plan)

    return new


class Killed(Exception):  # noqa: N818
    """Stands for the end of a process."""


def result_of(trainer: Trainer) -> tuple[dict[str, Tensor], list[EpochRow], int]:
    trained = trainer.finish()
    return trainer.model.state_dict(), trained.history, trained.best_epoch


def assert_same(one: Any, other: Any) -> None:
    assert one[1:] == other[1:]
    assert one[0].keys() == other[0].keys()
    for name, tensor in one[0].items():
        assert torch.equal(tensor, other[0][name]), name


def test_killed_at_any_boundary_it_ends_in_the_same_bits(make: Make, tmp_path: Path) -> None:
    whole = make()
    whole.fit("test")
    expected = result_of(whole)
    boundaries = [0]

    def count(_: Trainer) -> None:
        boundaries[0] += 1

    make().fit("test", count)
    for last in range(1, boundaries[0] + 1):
        path = tmp_path / f"{last}.safetensors"
        done = [0]

        def kill(trainer: Trainer, checkpoint: Checkpoint, last: int, done: list[int]) -> None:
            checkpoint.boundary(trainer)
            done[0] += 1
            if done[0] == last:
                raise Killed

        checkpoint = Checkpoint(path, "test", EVERY_STEP)
        with pytest.raises(Killed):
            make().fit("test", lambda t, c=checkpoint, n=last, d=done: kill(t, c, n, d))  # type: ignore[misc]
        torch.manual_seed(99)
        resumed = make()
        assert Checkpoint(path, "test", NEVER).restore(resumed)
        resumed.fit("test")
        assert_same(result_of(resumed), expected)


def test_killed_after_every_single_step_it_ends_in_the_same_bits(
    make: Make, tmp_path: Path
) -> None:
    whole = make()
    whole.fit("test")
    path = tmp_path / "training.safetensors"

    def one_step(trainer: Trainer) -> None:
        Checkpoint(path, "test", EVERY_STEP).boundary(trainer)
        raise Killed

    for _ in range(100):
        trainer = make()
        Checkpoint(path, "test", NEVER).restore(trainer)
        try:
            trainer.fit("test", one_step)
        except Killed:
            continue
        break
    assert_same(result_of(trainer), result_of(whole))


def test_finished_training_is_kept_without_what_further_steps_would_need(
    make: Make, tmp_path: Path
) -> None:
    path = tmp_path / "training.safetensors"
    whole = make()
    whole.fit("test")
    Checkpoint(path, "test", NEVER).save(whole)
    assert {name.split(".")[0] for name in load_file(path)} == {"best"}
    restored = make()
    assert Checkpoint(path, "test", NEVER).restore(restored)
    restored.fit("test", lambda _: pytest.fail("there is no step left"))
    assert_same(result_of(restored), result_of(whole))


def frozen() -> Trainer:
    torch.manual_seed(1)
    examples: dict[CorpusName, Examples] = {"sts": vectors_of(split_of("sts", 40))}
    return Trainer(MultitaskBert(None, ("sts",), 32, 0.3), examples, examples, PLAN)


@pytest.mark.parametrize(
    ("every", "writes"),
    [
        (CheckpointsParams(every_seconds=1e9, every_steps=7), 22 // 7),
        (CheckpointsParams(every_seconds=1e-9, every_steps=10**9), 22),
        (NEVER, 0),
    ],
)
def test_a_checkpoint_is_written_by_steps_or_seconds(
    every: CheckpointsParams, writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "test", every)
    saved: list[int] = []
    save = Checkpoint.save

    def noted(self: Checkpoint, trainer: Trainer) -> None:
        saved.append(trainer.progress.step)
        save(self, trainer)

    monkeypatch.setattr(Checkpoint, "save", noted)
    frozen().fit("test", checkpoint.boundary)  # 2 epochs of 10 steps and an end each
    assert len(saved) == writes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_next_boundary_and_the_rest_is_done_later(
    number: int, tmp_path: Path
) -> None:
    whole = frozen()
    whole.fit("test")
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "sts-pretrain", NEVER)

    def boundary(trainer: Trainer) -> None:
        if trainer.progress.step == 3:
            os.kill(os.getpid(), number)
        checkpoint.boundary(trainer)

    before = signal.getsignal(number)
    with (
        pytest.raises(StopError, match="sts-pretrain stopped by SIG") as stop,
        checkpoint.listening(),
    ):
        frozen().fit("test", boundary)
    assert stop.value.exit_status == 128 + number
    assert signal.getsignal(number) is before
    resumed = frozen()
    assert Checkpoint(checkpoint.path, "test", NEVER).restore(resumed)
    assert resumed.progress.step == 3
    resumed.fit("test")
    assert_same(result_of(resumed), result_of(whole))


def test_the_second_signal_is_final(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "test", NEVER)
    with checkpoint.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert checkpoint.stop == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def written(tmp_path: Path) -> Path:
    path = tmp_path / "training.safetensors"
    frozen().fit("test", Checkpoint(path, "test", EVERY_STEP).boundary)
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lie(path: Path) -> None:
    """Change the history and nothing else."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    metadata["progress"] = metadata["progress"].replace('"best_epoch": ', '"best_epoch": 1')
    save_file(load_file(path), path, metadata)


@pytest.mark.parametrize("damage", [cut, flip, empty, lie])
def test_a_damaged_checkpoint_is_told_of_and_left_aside(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path)
    read_checkpoint(path)
    damage(path)
    with pytest.raises(PipelineError, match=r"training\.safetensors is damaged"):
        read_checkpoint(path)
    trainer = frozen()
    assert not Checkpoint(path, "sts-pretrain", NEVER).restore(trainer)
    assert "sts-pretrain  begins anew: " in caplog.text
    assert (trainer.progress.epoch, trainer.progress.step) == (1, 0)
    assert [p.name for p in tmp_path.iterdir()] == ["training.damaged"]


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata | {"schema": "checkpoint/0"})
    with pytest.raises(SchemaError, match="its schema is checkpoint/0"):
        read_checkpoint(path)
    assert not Checkpoint(path, "test", NEVER).restore(frozen())


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path: Path) -> None:
    """In a process of its own, since the limit on the size of files is the process's."""
    program = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_resume import EVERY_STEP, Checkpoint, frozen
path = Path({str(tmp_path)!r}) / "training.safetensors"
trainer = frozen()
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
trainer.fit("test", Checkpoint(path, "test", EVERY_STEP).boundary)
assert len(trainer.progress.history) == 2
assert not list(path.parent.iterdir())
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "could not be kept in" in done.stderr
    assert "File too large" in done.stderr


def test_a_file_that_cannot_be_read_for_the_moment_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    path = written(tmp_path)
    monkeypatch.setattr(resume, "safe_open", full)
    with pytest.raises(OSError, match="Too many open files"):
        Checkpoint(path, "test", NEVER).restore(frozen())
    assert path.exists()


def test_the_best_epoch_of_the_time_before_is_still_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores are scripted: 0.9 before the kill, less afterwards."""
    path = tmp_path / "training.safetensors"
    monkeypatch.setattr(loop, "score", lambda *_: Score(0.9, None))
    first = frozen()
    with pytest.raises(Killed):
        first.fit("test", lambda t: end_with_epoch(t, Checkpoint(path, "test", EVERY_STEP)))
    monkeypatch.setattr(loop, "score", lambda *_: Score(0.5, None))
    resumed = frozen()
    assert Checkpoint(path, "test", NEVER).restore(resumed)
    resumed.fit("test")
    assert resumed.finish().best_epoch == 1
    assert torch.equal(
        resumed.model.heads["sts"].linear.weight,
        first.progress.best_state["heads.sts.linear.weight"],
    )


def end_with_epoch(trainer: Trainer, checkpoint: Checkpoint) -> None:
    if trainer.progress.epoch == 2:
        checkpoint.boundary(trainer)
        raise Killed


def test_a_run_that_was_stopped_stays_stopped(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    spoilt = frozen()
    spoilt.train["sts"].vectors[:] = float("nan")  # type: ignore[attr-defined]
    spoilt.fit("test")
    Checkpoint(path, "test", NEVER).save(spoilt)
    restored = frozen()
    assert Checkpoint(path, "test", NEVER).restore(restored)
    restored.fit("test", lambda _: pytest.fail("there is no step left"))
    assert_same(result_of(restored), result_of(spoilt))
    assert restored.progress.stopped is not None
