"""The trainer: what learns, in what order, which epoch is kept, and what is refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.batches import Chosen, joined, on_device
from pipeline.errors import TrainingError
from pipeline.evaluation.predict import Examples, TokenExamples, VectorExamples, predict
from pipeline.model.kernels import PLAIN
from pipeline.model.multitask import MultitaskBert
from pipeline.model.weights import load_backbone
from pipeline.params import OptimizerParams, TrainingSpeedParams
from pipeline.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import STEPS_BETWEEN_LOOKS, Trained, Trainer, TrainingPlan

CPU = torch.device("cpu")
PLAN = TrainingPlan(
    epochs=2,
    learning_rate=1e-2,
    batch_size={"sst": 4, "cfimdb": 4, "quora": 4, "sts": 4},
    optimizer=OptimizerParams(weight_decay=0.0, betas=(0.9, 0.999), epsilon=1e-6),
    speed=TrainingSpeedParams(
        bucket_batches=4, trim_vocabulary=True, fused_adamw=True, keep_memory=False
    ),
    dev_batch_size=8,
    seed=1,
)


def split_of(corpus: CorpusName, count: int, seed: int = 0) -> TokenizedSplit:
    """Make sentences whose label stands in them as a word, so that it can be learnt."""
    generator = np.random.default_rng(seed)
    top = CORPORA[corpus].max_label
    labels = generator.permutation(np.arange(count) % (top + 1))
    sentences = []
    for label in labels:
        for _ in range(CORPORA[corpus].task.num_sentences):
            noise = generator.integers(5000, 5020, generator.integers(1, 5))
            sentences.append([101, 2000 + int(label), *noise, 102])
    return TokenizedSplit(
        CORPORA[corpus],
        np.array([i for sentence in sentences for i in sentence], dtype=np.int32),
        np.cumsum([0, *map(len, sentences)]),
        labels.astype(np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=0,
    )


def vectors_of(corpus: CorpusName, count: int) -> VectorExamples:
    split = split_of(corpus, count)
    generator = torch.Generator().manual_seed(0)
    shape = (count, split.corpus.task.num_sentences, 32)
    vectors = torch.randn(shape, generator=generator)
    vectors[:, :, 0] = torch.from_numpy(split.labels)[:, None]
    return VectorExamples(split, vectors)


def first(count: int, examples: Examples, start: int = 0) -> Chosen:
    """Choose so many examples, from a certain one on."""
    (chosen,) = on_device([np.arange(start, start + count)], examples.split.lengths, CPU)
    return chosen


def finetune(
    folder: Path, corpora: Sequence[CorpusName], plan: TrainingPlan = PLAN
) -> tuple[MultitaskBert, Trained]:
    torch.manual_seed(plan.seed)
    model = MultitaskBert(load_backbone(folder, PLAIN), corpora, 32, 0.3)
    train: dict[CorpusName, Examples] = {c: TokenExamples(split_of(c, 12), CPU) for c in corpora}
    dev: dict[CorpusName, Examples] = {c: TokenExamples(split_of(c, 10, 1), CPU) for c in corpora}
    return model, fitted(Trainer(model, train, dev, plan))


def fitted(trainer: Trainer) -> Trained:
    trainer.fit("test")
    return trainer.finish()


@dataclass(frozen=True)
class Recording:
    """Examples that write down whose turn it is."""

    inner: VectorExamples
    order: list[str] = field(default_factory=list)

    @property
    def split(self) -> TokenizedSplit:
        return self.inner.split

    def outputs(self, model: MultitaskBert, chosen: Chosen) -> torch.Tensor:
        if model.training:
            self.order.append(self.split.corpus.name)
        return self.inner.outputs(model, chosen)


def test_one_epoch_asks_for_batches_in_the_order_of_equation_1() -> None:
    order: list[str] = []
    sizes: dict[CorpusName, int] = {"sst": 8, "quora": 27, "sts": 13}  # 2, 7 and 4 batches
    train: dict[CorpusName, Examples] = {
        name: Recording(vectors_of(name, size), order) for name, size in sizes.items()
    }
    model = MultitaskBert(None, tuple(sizes), 32, 0.3)
    trained = fitted(Trainer(model, train, train, replace(PLAN, epochs=1)))
    assert order == (["sst"] + ["quora"] * 3 + ["sts"] * 2) * 2
    assert [(row.corpus, row.steps) for row in trained.history] == [
        ("sst", 2),
        ("quora", 6),
        ("sts", 4),
    ]


def test_loss_is_weighted_by_the_inverse_of_the_ratio() -> None:
    sts, sst = vectors_of("sts", 12), vectors_of("sst", 4)  # 3 batches and 1

    def gradient(examples: dict[CorpusName, Examples]) -> torch.Tensor:
        model = MultitaskBert(None, tuple(examples), 32, 0.0)
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, 0.1)
        Trainer(model, examples, examples, PLAN).step("sts", first(4, sts))
        found: torch.Tensor = model.heads["sts"].linear.weight.grad
        return found

    alone, beside = gradient({"sts": sts}), gradient({"sst": sst, "sts": sts})
    assert alone.abs().max() > 0
    torch.testing.assert_close(beside, alone / 3)


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_one_finetune_step_moves_every_parameter_that_the_batch_uses(
    tiny_backbone_dir: Path, corpus: CorpusName
) -> None:
    torch.manual_seed(0)
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), (corpus,), 32, 0.3)
    if corpus == "sts":  # away from the ReLU's dead side
        torch.nn.init.constant_(model.heads["sts"].linear.bias, 1.0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    examples: dict[CorpusName, Examples] = {corpus: TokenExamples(split_of(corpus, 12), CPU)}
    Trainer(model, examples, examples, PLAN).step(corpus, first(12, examples[corpus]))
    still = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    # a mean of token vectors does not pass through the pooler
    assert all("pooler" in name for name in still)
    assert bool(still) == (corpus == "quora")


@pytest.mark.parametrize("corpus", ["sst", "quora", "sts"])
def test_a_few_examples_can_be_learnt(tiny_backbone_dir: Path, corpus: CorpusName) -> None:
    plan = replace(PLAN, epochs=40, learning_rate=3e-3)
    torch.manual_seed(0)
    model = MultitaskBert(load_backbone(tiny_backbone_dir, PLAIN), (corpus,), 32, 0.0)
    if corpus == "sts":
        torch.nn.init.constant_(model.heads["sts"].linear.bias, 1.0)
    examples: dict[CorpusName, Examples] = {corpus: TokenExamples(split_of(corpus, 12), CPU)}
    Trainer(model, examples, examples, plan).fit("test")
    predictions = predict(model, examples[corpus], 8)
    np.testing.assert_allclose(predictions, examples[corpus].split.labels, atol=0.5)


def test_one_seed_gives_one_result_and_another_seed_another(tiny_backbone_dir: Path) -> None:
    first, trained = finetune(tiny_backbone_dir, ["sst", "sts"])
    second, again = finetune(tiny_backbone_dir, ["sst", "sts"])
    other, _ = finetune(tiny_backbone_dir, ["sst", "sts"], replace(PLAN, seed=2))
    assert trained == again
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert not torch.equal(first.heads["sst"].linear.weight, other.heads["sst"].linear.weight)


EXACT_PIECES: dict[str, dict[str, object]] = {
    "fused layers": {"layers": "fused"},
    "packed tokens": {"layers": "fused", "pack_tokens": True},
    "sdpa": {"attention": "sdpa"},
    "merged pairs": {"merge_pairs": True},
    "trimmed last layer": {"trim_last_layer": True},
    "trimmed vocabulary": {"trim_vocabulary": True},
    "fused AdamW": {"fused_adamw": True},
    "all": {
        "layers": "fused",
        "pack_tokens": True,
        "merge_pairs": True,
        "trim_last_layer": True,
        "trim_vocabulary": True,
        "fused_adamw": True,
    },
}
TRAINING_PIECES = {"trim_vocabulary", "fused_adamw"}


def losses_with(
    folder: Path, corpora: Sequence[CorpusName], pieces: dict[str, object], *, is_joint: bool
) -> list[float]:
    """Train without dropout on the same batches, with some pieces of speed; return each loss."""
    for_training = {key: value for key, value in pieces.items() if key in TRAINING_PIECES}
    off = {"trim_vocabulary": False, "fused_adamw": False}
    speed = PLAN.speed.model_copy(update=off | for_training)
    kernels = replace(PLAIN, **{k: v for k, v in pieces.items() if k not in TRAINING_PIECES})  # type: ignore[arg-type]
    torch.manual_seed(0)
    model = MultitaskBert(load_backbone(folder, kernels), corpora, 32, 0.0)
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    if "sts" in corpora:  # away from the ReLU's dead side
        torch.nn.init.constant_(model.heads["sts"].linear.bias, 1.0)
    splits = {corpus: split_of(corpus, 12) for corpus in corpora}
    if is_joint:
        splits = {c: joined(s) if s.corpus.is_pair else s for c, s in splits.items()}
    examples: dict[CorpusName, Examples] = {c: TokenExamples(s, CPU) for c, s in splits.items()}
    plan = replace(PLAN, speed=speed, learning_rate=1e-3)
    trainer = Trainer(model.train(), examples, examples, plan)
    return [
        trainer.step(corpus, first(4, examples[corpus], start)).item()
        for start in (0, 4, 8)
        for corpus in corpora
    ]


@pytest.mark.parametrize("piece", EXACT_PIECES)
@pytest.mark.parametrize(
    ("corpora", "is_joint"),
    [
        (["sst"], False),
        (["cfimdb"], False),
        (["quora"], False),
        (["sts"], False),
        (["quora"], True),
        (["sts"], True),
        (["sst", "quora", "sts"], True),
    ],
)
def test_an_exact_piece_of_speed_gives_the_losses_of_the_plain_path(
    tiny_backbone_dir: Path, corpora: list[CorpusName], is_joint: bool, piece: str
) -> None:
    fast = losses_with(tiny_backbone_dir, corpora, EXACT_PIECES[piece], is_joint=is_joint)
    plain = losses_with(tiny_backbone_dir, corpora, {}, is_joint=is_joint)
    np.testing.assert_allclose(fast, plain, atol=1e-5, rtol=0)
    assert len(set(plain)) == len(plain)


class Recorder(TorchDispatchMode):
    """Writes down every operation that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note an operation's name, and do it."""
        self.seen.add(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


def test_a_step_of_plain_layers_never_asks_the_device_for_a_number(tiny_backbone_dir: Path) -> None:
    """On a GPU each of these waits until all work before it is done."""
    waits = {"_local_scalar_dense", "item", "nonzero", "masked_select", "equal", "lift_fresh"}
    kernels = replace(PLAIN, attention="sdpa", merge_pairs=True, trim_last_layer=True)
    corpora: list[CorpusName] = ["sst", "quora", "sts"]
    model = MultitaskBert(load_backbone(tiny_backbone_dir, kernels), corpora, 32, 0.3)
    examples: dict[CorpusName, Examples] = {c: TokenExamples(split_of(c, 12), CPU) for c in corpora}
    trainer = Trainer(model.train(), examples, examples, PLAN)
    chosen = {corpus: first(4, examples[corpus]) for corpus in corpora}
    for corpus in corpora:  # the optimizer's state and the split are made in the first
        trainer.step(corpus, chosen[corpus])
    with Recorder() as recorder:
        for corpus in corpora:
            trainer.step(corpus, chosen[corpus])
    assert "_fused_adamw_" in recorder.seen
    assert not recorder.seen & waits


def test_vocabulary_is_whole_again_after_training(tiny_backbone_dir: Path) -> None:
    model, _ = finetune(tiny_backbone_dir, ["sst"])
    assert model.backbone is not None
    assert model.backbone.embeddings.word.weight.shape == (30522, 32)


def test_vocabulary_is_not_trimmed_under_weight_decay(
    tiny_backbone_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    optimizer = PLAN.optimizer.model_copy(update={"weight_decay": 0.01})
    caplog.set_level("INFO")
    finetune(tiny_backbone_dir, ["sst"], replace(PLAN, optimizer=optimizer))
    assert "the whole vocabulary is trained" in caplog.text


def test_buckets_and_plain_adamw_learn_the_same_from_the_same_batches() -> None:
    def weights(fused: bool) -> torch.Tensor:
        torch.manual_seed(0)
        model = MultitaskBert(None, ("sts",), 32, 0.0)
        examples: dict[CorpusName, Examples] = {"sts": vectors_of("sts", 30)}
        speed = PLAN.speed.model_copy(update={"fused_adamw": fused})
        Trainer(model, examples, examples, replace(PLAN, speed=speed)).fit("test")
        return model.heads["sts"].linear.weight.detach()

    torch.testing.assert_close(weights(True), weights(False), atol=1e-6, rtol=1e-5)


def test_model_is_left_at_its_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are scripted: the second of three epochs is best, so its weights must come back."""
    from pipeline.evaluation.metrics import Score
    from pipeline.training import loop

    model = MultitaskBert(None, ("sst",), 32, 0.3)
    states: list[torch.Tensor] = []
    scripted = iter([0.2, 0.9, 0.9])

    def fake_score(*_: object) -> Score:
        states.append(model.heads["sst"].linear.weight.detach().clone())
        return Score(next(scripted), None)

    monkeypatch.setattr(loop, "score", fake_score)
    examples: dict[CorpusName, Examples] = {"sst": vectors_of("sst", 20)}
    trained = fitted(Trainer(model, examples, examples, replace(PLAN, epochs=3)))
    assert trained.best_epoch == 2
    assert torch.equal(model.heads["sst"].linear.weight, states[1])
    assert not torch.equal(states[1], states[2])


def test_dead_similarity_head_is_undefined_and_not_a_crash() -> None:
    model = MultitaskBert(None, ("sts",), 32, 0.0)
    torch.nn.init.constant_(model.heads["sts"].linear.weight, 0.0)
    torch.nn.init.constant_(model.heads["sts"].linear.bias, -5.0)
    examples: dict[CorpusName, Examples] = {"sts": vectors_of("sts", 20)}
    trained = fitted(Trainer(model, examples, examples, PLAN))
    assert [row.dev_score for row in trained.history] == [None, None]
    assert all(row.note.startswith("the head is dead") for row in trained.history)
    assert trained.best_epoch == 1


def spoil(examples: VectorExamples, epoch: int, value: float) -> Any:
    """Return a boundary that puts a number into a few examples when an epoch has ended."""

    def boundary(trainer: Trainer) -> None:
        if trainer.progress.epoch == epoch + 1 and trainer.progress.step == 0:
            examples.vectors[:8] = value  # of either label

    return boundary


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number_ends_the_run_with_the_last_good_epoch(value: float) -> None:
    train, dev = vectors_of("sts", 20), vectors_of("sts", 20)
    model = MultitaskBert(None, ("sts",), 32, 0.0)
    torch.nn.init.constant_(model.heads["sts"].linear.bias, 5.0)
    trainer = Trainer(model, {"sts": train}, {"sts": dev}, replace(PLAN, epochs=4))
    kept: list[torch.Tensor] = []

    def boundary(trainer: Trainer) -> None:
        spoil(train, 2, value)(trainer)
        if trainer.progress.step == 0:
            kept.append(model.heads["sts"].linear.weight.detach().clone())

    trainer.fit("test", boundary)
    trained = trainer.finish()
    assert trained.stopped is not None
    assert re.fullmatch(r"the loss is (nan|inf) in step \d, epoch 3 \(sts\)", trained.stopped)
    assert trained.best_epoch in (1, 2)
    assert [row.epoch for row in trained.history] == [1, 2, 3]
    last = trained.history[-1]
    assert last.dev_score is None
    assert last.train_loss is None
    assert "the loss is" in last.note
    assert torch.equal(model.heads["sts"].linear.weight, kept[trained.best_epoch - 1])


def test_run_that_never_came_through_an_epoch_keeps_what_it_was_given() -> None:
    examples = vectors_of("sst", 20)
    examples.vectors[3] = float("nan")
    model = MultitaskBert(None, ("sst",), 32, 0.0)
    before = model.heads["sst"].linear.weight.detach().clone()
    trained = fitted(Trainer(model, {"sst": examples}, {"sst": examples}, PLAN))
    assert trained.best_epoch == 0
    assert trained.stopped is not None
    assert ", epoch 1 (sst)" in trained.stopped
    assert torch.equal(model.heads["sst"].linear.weight, before)


def test_spoilt_run_does_not_go_through_the_rest_of_its_epoch() -> None:
    examples = vectors_of("sst", 1200)
    examples.vectors[:] = float("nan")
    model = MultitaskBert(None, ("sst",), 32, 0.0)
    trained = fitted(Trainer(model, {"sst": examples}, {"sst": examples}, PLAN))
    assert [row.steps for row in trained.history] == [STEPS_BETWEEN_LOOKS]


def test_predictions_that_are_no_numbers_end_the_run() -> None:
    train, dev = vectors_of("sst", 20), vectors_of("sst", 20)
    dev.vectors[0] = float("nan")
    model = MultitaskBert(None, ("sst",), 32, 0.0)
    trained = fitted(Trainer(model, {"sst": train}, {"sst": dev}, PLAN))
    assert trained.best_epoch == 0
    assert trained.stopped == "predictions for the dev set are not finite, epoch 1 (sst)"


def test_infinite_gradients_under_finite_losses_end_the_run() -> None:
    examples: dict[CorpusName, Examples] = {"sst": vectors_of("sst", 20)}
    model = MultitaskBert(None, ("sst",), 32, 0.0)
    trainer = Trainer(model, examples, examples, replace(PLAN, epochs=3))

    def boundary(trainer: Trainer) -> None:
        for state in trainer.optimizer.state.values():
            state["exp_avg_sq"].fill_(float("inf"))  # as an infinite gradient leaves it

    trainer.fit("test", boundary)
    assert trainer.progress.stopped == "gradients are not finite, epoch 1 (sst)"


def test_diverging_loss_and_exploding_gradients_are_noted_and_the_run_goes_on() -> None:
    train, dev = vectors_of("quora", 40), vectors_of("quora", 40)
    model = MultitaskBert(None, ("quora",), 32, 0.0)
    plan = replace(PLAN, epochs=2, learning_rate=1e-4)
    trainer = Trainer(model, {"quora": train}, {"quora": dev}, plan)
    trainer.fit("test", spoil(train, 1, 1e5))
    trained = trainer.finish()
    assert trained.stopped is None
    first, second = trained.history
    assert first.note == ""
    assert "the loss diverges" in second.note
    assert "gradients explode" in second.note


def test_empty_dev_set_is_named_and_the_run_goes_on() -> None:
    model = MultitaskBert(None, ("sst",), 32, 0.0)
    train, dev = vectors_of("sst", 20), vectors_of("sst", 0)
    trained = fitted(Trainer(model, {"sst": train}, {"sst": dev}, PLAN))
    assert [(row.dev_score, row.note) for row in trained.history] == [
        (None, "the dev set is empty")
    ] * 2
    assert trained.best_epoch == 1


def test_a_batch_that_does_not_fit_into_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(VectorExamples, "outputs", full)
    examples: dict[CorpusName, Examples] = {"sst": vectors_of("sst", 20)}
    trainer = Trainer(MultitaskBert(None, ("sst",), 32, 0.0), examples, examples, PLAN)
    said = r"a batch of 4 examples of up to \d tokens of sst does not fit .* the run's batch_size"
    with pytest.raises(TrainingError, match=said):
        trainer.fit("test")


def test_every_epoch_has_an_order_of_its_own() -> None:
    examples: dict[CorpusName, Examples] = {"sst": vectors_of("sst", 40)}
    orders: list[list[int]] = [[]]

    class Listening(Trainer):
        def step(self, corpus: CorpusName, chosen: Chosen) -> torch.Tensor:
            orders[-1] += chosen.indices.tolist()
            return super().step(corpus, chosen)

    model = MultitaskBert(None, ("sst",), 32, 0.0)
    trainer = Listening(model, examples, examples, replace(PLAN, epochs=3))
    trainer.fit("test", lambda t: orders.append([]) if t.progress.step == 0 else None)
    assert [sorted(order) for order in orders[:3]] == [list(range(40))] * 3
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_an_epoch_that_one_corpus_spoils_is_no_corpus_best() -> None:
    train: dict[CorpusName, Examples] = {c: vectors_of(c, 20) for c in ("sst", "quora")}  # type: ignore[misc]
    dev: dict[CorpusName, Examples] = {c: vectors_of(c, 20) for c in ("sst", "quora")}  # type: ignore[misc]
    dev["quora"].vectors[0] = float("nan")  # type: ignore[attr-defined]
    trained = fitted(Trainer(MultitaskBert(None, ("sst", "quora"), 32, 0.0), train, dev, PLAN))
    assert trained.stopped is not None
    assert [row.dev_score for row in trained.history] == [None, None]
