"""The trainer: learning, the order of steps, the kept epoch, and failures."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.core.tasks import CorpusName
from pipeline.encoder.batches import Chosen, TokenExamples, joined, on_device
from pipeline.encoder.device import has_fast_bf16
from pipeline.encoder.kernels import PLAIN, kernels_on
from pipeline.encoder.weights import load_backbone
from pipeline.errors import TrainingError
from pipeline.heads.examples import VectorExamples
from pipeline.heads.metrics import Score
from pipeline.heads.model import MultitaskBert
from pipeline.heads.predict import predict
from pipeline.training import loop
from pipeline.training.loop import STEPS_BETWEEN_CHECKS, Progress, Trainer
from tests.params import PARAMS
from tests.splits import random_split
from tests.training.conftest import CPU, PLAN, finetuned, frozen


def first(count: int, trainer: Trainer, corpus: CorpusName, start: int = 0) -> Chosen:
    """Choose consecutive examples of a corpus."""
    lengths = trainer.train[corpus].split.lengths
    (chosen,) = on_device([np.arange(start, start + count)], lengths, CPU)
    return chosen


def fitted(trainer: Trainer, boundary: Callable[[Trainer], None] = lambda _: None) -> Progress:
    trainer.fit("test", boundary)
    return trainer.finish()


def test_steps_follow_equation_1_and_each_epoch_has_its_own_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns: list[str] = []
    orders: list[list[int]] = [[]]  # order of sst's examples in each epoch
    step = Trainer.step

    def noted(self: Trainer, corpus: CorpusName, chosen: Chosen) -> torch.Tensor:
        turns.append(corpus)
        orders[-1] += chosen.indices.tolist() if corpus == "sst" else []
        return step(self, corpus, chosen)

    monkeypatch.setattr(Trainer, "step", noted)
    # 3, 7 and 10 batches: one batch of quora and one of sts are left out
    trainer = frozen({"sst": 12, "quora": 27, "sts": 40}, replace(PLAN, epochs=3))
    trainer.fit("test", lambda t: orders.append([]) if t.progress.step == 0 else None)
    assert turns == (["sst"] + ["quora"] * 2 + ["sts"] * 3) * 3 * 3
    steps = [(row.corpus, row.steps) for row in trainer.progress.history]
    assert steps == [("sst", 3), ("quora", 6), ("sts", 9)] * 3
    assert [sorted(order) for order in orders[:3]] == [list(range(12))] * 3
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.skipif(not has_fast_bf16(CPU), reason="float32 products depend on threads")
def test_a_run_has_the_same_bits_on_any_number_of_threads(minilm_dir: Path) -> None:
    sizes: dict[CorpusName, int] = {"quora": 24, "sts": 24}
    examples = {c: TokenExamples(joined(random_split(c, 48)), CPU) for c in sizes}
    bits, before = [], torch.get_num_threads()
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        backbone = load_backbone(minilm_dir, kernels_on(CPU, PARAMS.speed.forward))
        model = MultitaskBert(backbone, tuple(sizes), 384, 0.3)
        trainer = Trainer(model, examples, examples, replace(PLAN, epochs=1, batch_size=sizes))
        history = fitted(trainer).history
        bits.append((history, {k: v.numpy().tobytes() for k, v in model.state_dict().items()}))
    torch.set_num_threads(before)
    assert bits[0] == bits[1] == bits[2]


def test_the_loss_is_weighted_by_the_inverse_of_the_ratio() -> None:
    def gradient(sizes: dict[CorpusName, int]) -> torch.Tensor:
        trainer = frozen(sizes)
        for parameter in trainer.model.parameters():
            torch.nn.init.constant_(parameter, 0.1)
        trainer.step("sts", first(4, trainer, "sts"))
        found: torch.Tensor = trainer.model.heads["sts"].linear.weight.grad
        return found

    alone, beside = gradient({"sts": 12}), gradient({"sst": 4, "sts": 12})  # 3 batches to 1
    assert alone.abs().max() > 0
    torch.testing.assert_close(beside, alone / 3)


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_one_finetune_step_moves_every_parameter_that_the_batch_uses(
    tiny_backbone_dir: Path, corpus: CorpusName
) -> None:
    trainer = finetuned(tiny_backbone_dir, (corpus,))
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.step(corpus, first(12, trainer, corpus))
    still = [name for name, p in trainer.model.named_parameters() if torch.equal(p, before[name])]
    # means of token vectors do not use the pooler
    assert all("pooler" in name for name in still)
    assert bool(still) == (corpus == "quora")


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_a_few_examples_can_be_learned(tiny_backbone_dir: Path, corpus: CorpusName) -> None:
    plan = replace(PLAN, epochs=40, learning_rate=3e-3)
    trainer = finetuned(tiny_backbone_dir, (corpus,), plan, dropout=0.0)
    trainer.fit("test")
    predictions = predict(trainer.model, trainer.train[corpus], 8)
    np.testing.assert_allclose(predictions, trainer.train[corpus].split.labels, atol=0.5)


PIECES: dict[str, dict[str, object]] = {
    "fused layers": {"layers": "fused"},
    "packed tokens": {"layers": "fused", "pack_tokens": True},
    "sdpa": {"attention": "sdpa"},
    "merged pairs": {"merge_pairs": True},
    "trimmed last layer": {"trim_last_layer": True},
    "trimmed last layer, fused": {"trim_last_layer": True, "layers": "fused"},
    "trimmed vocabulary": {"trim_vocabulary": True},
    "fused AdamW": {"fused_adamw": True},
}
# sdpa needs plain layers; fused layers have their own attention
PIECES["all"] = {key: value for piece in PIECES.values() for key, value in piece.items()}
OF_TRAINING = ("trim_vocabulary", "fused_adamw")


def losses_with(folder: Path, pieces: dict[str, object], *, is_joint: bool) -> list[float]:
    """Train without dropout on the same batches, with some optimizations; return all losses."""
    training = {piece: pieces.get(piece, False) for piece in OF_TRAINING}
    plan = replace(PLAN, speed=PLAN.speed.model_copy(update=training), learning_rate=1e-3)
    kernels = replace(PLAIN, **{k: v for k, v in pieces.items() if k not in training})  # type: ignore[arg-type]
    corpora: list[CorpusName] = ["sst", "cfimdb", "quora", "sts"]
    trainer = finetuned(folder, corpora, plan, 0.0, kernels, is_joint)
    for module in trainer.model.train().modules():
        if hasattr(module, "p"):
            module.p = 0.0
    return [
        trainer.step(corpus, first(4, trainer, corpus, start)).item()
        for start in (0, 4, 8)
        for corpus in corpora
    ]


@pytest.mark.parametrize("is_joint", [False, True])
def test_each_exact_optimization_gives_the_losses_of_the_plain_path(
    tiny_backbone_dir: Path, is_joint: bool
) -> None:
    plain = losses_with(tiny_backbone_dir, {}, is_joint=is_joint)
    assert len(set(plain)) == len(plain)
    for name, pieces in PIECES.items():
        fast = losses_with(tiny_backbone_dir, pieces, is_joint=is_joint)
        np.testing.assert_allclose(fast, plain, atol=1e-5, rtol=0, err_msg=name)


class Recorder(TorchDispatchMode):
    """Records every operation that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Record an operation's name and execute it."""
        self.seen.add(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


def test_a_step_of_plain_layers_never_waits_for_the_device(tiny_backbone_dir: Path) -> None:
    """On a GPU, each of these operations waits until all work before it is done."""
    waits = {"_local_scalar_dense", "item", "nonzero", "masked_select", "equal", "lift_fresh"}
    kernels = replace(PLAIN, attention="sdpa", merge_pairs=True, trim_last_layer=True)
    corpora: list[CorpusName] = ["sst", "quora", "sts"]
    trainer = finetuned(tiny_backbone_dir, corpora, kernels=kernels)
    trainer.model.train()
    chosen = {corpus: first(4, trainer, corpus) for corpus in corpora}
    for corpus in corpora:  # the first step creates the optimizer's state and the split
        trainer.step(corpus, chosen[corpus])
    with Recorder() as recorder:
        for corpus in corpora:
            trainer.step(corpus, chosen[corpus])
    assert "_fused_adamw_" in recorder.seen
    assert not recorder.seen & waits


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_the_vocabulary_is_trimmed_only_without_weight_decay_and_restored(
    weight_decay: float, tiny_backbone_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    optimizer = PLAN.optimizer.model_copy(update={"weight_decay": weight_decay})
    caplog.set_level("INFO")
    trainer = finetuned(tiny_backbone_dir, ["sst"], replace(PLAN, optimizer=optimizer))
    assert ("the whole vocabulary is trained" in caplog.text) == bool(weight_decay)
    backbone = trainer.model.backbone
    assert backbone is not None
    assert (len(backbone.embeddings.word.weight) < 100) == (not weight_decay)
    fitted(trainer)
    assert backbone.embeddings.word.weight.shape == (30522, 32)


def test_the_model_ends_with_the_weights_of_its_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are scripted: the second of three epochs is best, so its weights must be restored."""
    trainer = frozen({"sst": 20}, replace(PLAN, epochs=3), dropout=0.3)
    weight = trainer.model.heads["sst"].linear.weight
    states: list[torch.Tensor] = []
    scripted = iter([0.2, 0.9, 0.9])

    def scored(*_: object) -> Score:
        states.append(weight.detach().clone())
        return Score(next(scripted), None)

    monkeypatch.setattr(loop, "score", scored)
    assert fitted(trainer).best_epoch == 2
    assert torch.equal(weight, states[1])
    assert not torch.equal(states[1], states[2])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_nan_loss_ends_the_run_with_the_last_good_epoch(epoch: int, value: float) -> None:
    trainer = frozen({"sts": 20}, replace(PLAN, epochs=4))
    weight = trainer.model.heads["sts"].linear.weight
    states = [weight.detach().clone()]  # at the start, then after each epoch

    def boundary(trainer: Trainer) -> None:
        if trainer.progress.step == 0:
            states.append(weight.detach().clone())
        if trainer.progress.epoch == epoch:
            trainer.labels["sts"][:] = value  # from the second step of epoch 1 on

    progress = fitted(trainer, boundary)
    assert progress.stopped is not None
    error = rf"the loss is (nan|inf) in step {1 + (epoch == 1)}, epoch {epoch} \(sts\)"
    assert re.fullmatch(error, progress.stopped)
    assert [row.epoch for row in progress.history] == list(range(1, epoch + 1))
    last = progress.history[-1]
    assert (last.dev_score, last.train_loss) == (None, None)
    assert "the loss is" in last.note
    assert progress.best_epoch in range(1, epoch) or (progress.best_epoch, epoch) == (0, 1)
    assert torch.equal(weight, states[progress.best_epoch])


def test_a_spoiled_run_stops_in_the_epoch_and_names_the_corpus() -> None:
    trainer = frozen({"sst": 4, "sts": 1200})  # a batch of sst, then 300
    trainer.labels["sts"][:] = float("nan")
    progress = fitted(trainer)
    assert [row.steps for row in progress.history] == [1, STEPS_BETWEEN_CHECKS - 1]
    assert progress.stopped == "the loss is nan in step 1, epoch 1 (sts)"


def test_nan_predictions_end_the_run_without_a_score_for_any_corpus() -> None:
    trainer = frozen({"sst": 20, "quora": 20})
    spoiled = trainer.dev["quora"]
    assert isinstance(spoiled, VectorExamples)
    spoiled.vectors[0] = float("nan")
    progress = fitted(trainer)
    assert progress.stopped == "predictions for the dev set are not finite, epoch 1 (quora)"
    assert progress.best_epoch == 0
    notes = [(row.dev_score, bool(row.note)) for row in progress.history]
    assert notes == [(None, False), (None, True)]


def test_infinite_gradients_with_finite_losses_end_the_run() -> None:
    def boundary(trainer: Trainer) -> None:
        for state in trainer.optimizer.state.values():
            state["exp_avg_sq"].fill_(float("inf"))  # as an infinite gradient leaves it

    progress = fitted(frozen({"sst": 20}), boundary)
    assert progress.stopped == "gradients are not finite, epoch 1 (sst)"


def test_diverging_losses_and_exploding_gradients_are_only_noted() -> None:
    def boundary(trainer: Trainer) -> None:
        if (trainer.progress.epoch, trainer.progress.step) == (2, 0):
            trainer.labels["sts"][:8] = 1e5

    progress = fitted(frozen({"sts": 40}, replace(PLAN, learning_rate=1e-4)), boundary)
    assert progress.stopped is None
    before, after = progress.history
    assert before.note == ""
    assert "the loss diverges" in after.note
    assert "gradients explode" in after.note


def test_a_dead_head_is_only_noted() -> None:
    trainer = frozen({"sts": 20})
    torch.nn.init.constant_(trainer.model.heads["sts"].linear.weight, 0.0)
    torch.nn.init.constant_(trainer.model.heads["sts"].linear.bias, -5.0)
    progress = fitted(trainer)
    assert [row.dev_score for row in progress.history] == [None, None]
    assert all(row.note.startswith("the head is dead") for row in progress.history)
    assert progress.best_epoch == 1


def test_a_batch_that_does_not_fit_into_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(VectorExamples, "batch", full)
    error = r"a batch of 4 examples of up to \d tokens of sst does not fit .* the run's batch_size"
    with pytest.raises(TrainingError, match=error):
        frozen({"sst": 20}).fit("test")
