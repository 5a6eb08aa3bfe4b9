"""Heads without a turn: many trained at once are each as if alone, and `step` is what kills."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import dead_heads
from benchmarks.dead_heads import Lane, SideBySide
from pipeline.evaluation.predict import VectorExamples
from pipeline.model.heads import Head
from pipeline.params import RunParams, load_params
from pipeline.reporting.dead_heads import Condition, HeadsRun, Vectors, read_dead_heads
from pipeline.tasks import CORPORA, CorpusName, IdleHeads, Split
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, TrainingPlan

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
SIZES: dict[CorpusName, int] = {"sst": 16, "quora": 28, "sts": 24}  # 4, 7 and 6 batches of 4
WIDTH = 12


def vectors_of(corpus: CorpusName, count: int, shift: float, seed: int) -> VectorExamples:
    """Make examples whose vectors lie around the same number in every dimension."""
    generator = np.random.default_rng(seed)
    num_sentences = CORPORA[corpus].task.num_sentences
    lengths = generator.integers(3, 9, count * num_sentences)
    split = TokenizedSplit(
        CORPORA[corpus],
        np.zeros(lengths.sum(), np.int32),
        np.cumsum([0, *lengths]),
        generator.integers(0, CORPORA[corpus].max_label + 1, count).astype(np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=0,
    )
    spread = generator.normal(0, 0.15, (count, num_sentences, WIDTH))
    return VectorExamples(split, torch.from_numpy(shift + spread).half())


def data_of(
    shift: float = 0.0, seed: int = 0, sizes: Mapping[CorpusName, int] = SIZES
) -> Mapping[Split, dict[CorpusName, VectorExamples]]:
    return {
        "train": {name: vectors_of(name, size, shift, seed) for name, size in sizes.items()},
        "dev": {name: vectors_of(name, 10, shift, seed + 1) for name in SIZES},
    }


def run_of(dropout: float) -> RunParams:
    return PARAMS.run("multitask-pretrain").model_copy(update={"dropout": dropout})


def plan_of(idle_heads: IdleHeads, epochs: int = 2, learning_rate: float = 1e-2) -> TrainingPlan:
    return TrainingPlan(
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=dict.fromkeys(SIZES, 4),
        optimizer=PARAMS.optimizer,
        speed=PARAMS.speed.training,
        dev_batch_size=8,
        seed=1,
        idle_heads=idle_heads,
    )


@pytest.mark.parametrize("idle_heads", ["step", "skip"])
def test_heads_side_by_side_learn_what_each_would_learn_alone(idle_heads: IdleHeads) -> None:
    run, plan = run_of(dropout=0.0), plan_of(idle_heads)
    lanes = [Lane(1, data_of()), Lane(2, data_of(0.3, seed=5)), Lane(3, data_of())]
    together = SideBySide(run, lanes, plan)
    together.fit("together")
    for place, lane in enumerate(lanes):
        model = dead_heads.new_model(run, lane)
        alone = Trainer(model, lane.data["train"], lane.data["dev"], replace(plan, seed=lane.seed))
        alone.fit("alone")
        told = {
            name: [row.dev_score for row in alone.progress.history if row.corpus == name]
            for name in SIZES
        }
        for corpus, scores in told.items():
            assert together.scores[corpus][place] == pytest.approx(scores, abs=1e-3), corpus
        for name, value in model.state_dict().items():
            assert torch.allclose(together.models[place].state_dict()[name], value, atol=1e-5), name


def test_the_papers_turns_come_in_the_order_of_equation_1() -> None:
    num_batches = dead_heads.NUM_BATCHES["paper"]
    trainer = SideBySide(run_of(0.3), [Lane(1, data_of())], plan_of("step"), num_batches)
    turns = trainer._turns()
    assert [corpus for corpus, _ in turns[:69]] == ["sst"] + ["quora"] * 66 + ["sts"] * 2
    assert len(turns) == 134 * 69
    assert trainer.weights == {"sst": 1.0, "quora": 1 / 66, "sts": 1 / 2}
    quora = torch.cat([chosen.indices for corpus, chosen in turns if corpus == "quora"])
    counts = torch.bincount(quora, minlength=SIZES["quora"])
    assert counts.max() - counts.min() <= 1  # pass after pass, each has every example


def test_each_lane_reads_its_own_vectors_in_its_own_order() -> None:
    lanes = [Lane(1, data_of(0.1)), Lane(2, other := data_of(0.9)), Lane(3, other)]
    trainer = SideBySide(run_of(0.3), lanes, plan_of("step"))
    (_, chosen), *_ = trainer._turns()
    rows = trainer.stacks["sst"].vectors[chosen.indices].float().mean(dim=(1, 2)).view(3, 4)
    assert rows.mean(dim=1).tolist() == pytest.approx([0.1, 0.9, 0.9], abs=0.1)
    places = chosen.indices.view(3, 4)
    assert places[0].max() < SIZES["sst"] <= places[1:].min()
    assert places[1].tolist() != places[2].tolist()
    # the loss is a mean over three lanes, and each is to have its own gradients whole
    assert trainer.weights == {"sst": 3.0, "quora": 3.0, "sts": 3.0}


def test_lanes_come_to_the_smaller_batch_of_a_pass_at_once() -> None:
    sizes: dict[CorpusName, int] = {"sst": 14, "quora": 27, "sts": 21}
    lanes = [Lane(seed, data_of(seed / 10, sizes=sizes)) for seed in range(4)]
    turns = SideBySide(run_of(0.3), lanes, plan_of("step"))._turns()
    assert {len(chosen.indices) for _, chosen in turns} == {4 * 4, 4 * 2}
    for corpus, chosen in turns:
        parts = chosen.indices.view(4, -1) // sizes[corpus]
        assert (parts == torch.arange(4).view(4, 1)).all()


def test_a_step_drops_out_the_fraction_asked_for_and_scales_the_rest() -> None:
    drop = dead_heads.HalfDropout(0.3, seed=1)
    ones = torch.ones(1000, 301, dtype=torch.float16)
    dropped = drop(ones)
    assert dropped.dtype == torch.float32
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert dropped.max().item() == pytest.approx(1 / 0.7, abs=1e-3)
    assert not torch.equal(drop(ones), dropped)
    assert torch.equal(drop.eval()(ones), ones.float())


def test_on_a_shared_direction_stepping_idle_heads_kills_and_skipping_does_not() -> None:
    dead: dict[IdleHeads, list[bool]] = {}
    lanes = [Lane(seed, data_of(shift=0.6)) for seed in range(5)]
    for idle_heads in ("step", "skip"):
        plan = plan_of(idle_heads, epochs=3, learning_rate=6e-2)
        trainer = SideBySide(run_of(0.3), lanes, plan, {"sst": 3, "quora": 198, "sts": 6})
        trainer.fit("test")
        dead[idle_heads] = [zeros[-1] == 1.0 for zeros in trainer.zeros]
    assert all(dead["step"])
    assert not any(dead["skip"])


def run_told(condition: Condition, seed: int) -> HeadsRun:
    scores: dict[CorpusName, list[float | None]] = {"sst": [0.2], "quora": [0.7], "sts": [None]}
    return HeadsRun(condition, seed, scores, [1.0])


def test_what_was_trained_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[tuple[Condition, int]]] = []

    def trained(_: object, together: list[tuple[Condition, int]]) -> list[HeadsRun]:
        calls.append(together)
        return [run_told(*each) for each in together]

    monkeypatch.setattr(dead_heads, "trained", trained)
    results = tmp_path / "dead-heads.json"
    first, second, skipped = (
        Condition("paper", "bert-like", "step", "joint"),
        Condition("paper", "minilm", "step", "separate"),
        Condition("paper", "minilm", "skip", "separate"),
    )
    dead_heads.train_missing(PARAMS, [first], [7], results)
    dead_heads.train_missing(PARAMS, [second, first, skipped], [7, 8], results)
    dead_heads.train_missing(PARAMS, [second, first, skipped], [7, 8], results)
    # those with turns and idle heads in common train together
    assert calls == [
        [(first, 7)],
        [(second, 7), (second, 8), (first, 8)],
        [(skipped, 7), (skipped, 8)],
    ]
    found = [(run.condition, run.seed) for run in read_dead_heads(results)]
    assert found == [(each, seed) for each in (first, second, skipped) for seed in (7, 8)]


def test_vectors_of_berts_kind_share_a_direction_and_the_controls_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = data_of()
    monkeypatch.setattr(dead_heads, "open_examples", lambda run, split, device: dict(data[split]))

    def read(vectors: Vectors) -> dict[CorpusName, torch.Tensor]:
        condition = Condition("paper", vectors, "step", "joint")
        made = dead_heads.read_data(run_of(0.3), condition, seed=1)["train"]
        return {corpus: each.vectors.float() for corpus, each in made.items()}

    alike, control, own = read("bert-like"), read("control"), read("minilm")
    for corpus in ("sst", "sts"):
        flat = alike[corpus].flatten(end_dim=1)
        assert flat.mean(dim=0).abs().tolist() == pytest.approx([0.6] * WIDTH, abs=0.01)
        assert flat.std(dim=0).tolist() == pytest.approx([0.15] * WIDTH, abs=0.03)
        assert flat.abs().max() <= 1
        assert control[corpus].flatten(end_dim=1).mean(dim=0).abs().max() < 0.01
    signs = [alike[corpus].mean(dim=(0, 1)).sign().tolist() for corpus in ("sst", "sts")]
    assert signs[0] == signs[1]
    assert set(signs[0]) == {-1.0, 1.0}
    for made in (alike, control, own):  # means of tokens stay
        assert torch.equal(made["quora"], data["train"]["quora"].vectors.float())
    assert torch.equal(own["sts"], data["train"]["sts"].vectors.float())


def test_the_shared_direction_is_no_stream_of_the_heads() -> None:
    signs = dead_heads.shared_direction(384, seed=1).sign()
    lane = Lane(
        1, {"train": {"sst": replace(data_of()["train"]["sst"], vectors=torch.zeros(1, 1, 384))}}
    )
    for head in dead_heads.new_model(run_of(0.3), lane).heads.values():
        assert isinstance(head, Head)
        weights = head.linear.weight.unflatten(1, (-1, 384)).flatten(end_dim=1).sign()
        assert ((weights * signs).mean(dim=1).abs() < 0.2).all()


def test_results_stand_under_the_condition_and_seed_that_they_are_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[SideBySide] = []

    class Untrained(SideBySide):
        def fit(self, *_: object) -> None:
            made.append(self)
            for corpus in self.scores:
                self.scores[corpus] = [[lane.seed / 10] for lane in self.lanes]
            self.zeros = [[float(lane.data is read[bert_like])] for lane in self.lanes]

    bert_like = Condition("paper", "bert-like", "skip", "joint")
    minilm = Condition("paper", "minilm", "skip", "separate")
    read = {bert_like: data_of(0.6), minilm: data_of()}
    monkeypatch.setattr(dead_heads, "read_data", lambda run, condition, seed: read[condition])
    monkeypatch.setattr(dead_heads, "SideBySide", Untrained)
    together = [(bert_like, 7), (minilm, 7), (minilm, 8)]
    runs = dead_heads.trained(PARAMS, together)
    assert [(run.condition, run.seed) for run in runs] == together
    assert [run.zeros for run in runs] == [[1.0], [0.0], [0.0]]
    assert [run.last("sts") for run in runs] == [0.7, 0.7, 0.8]
    (trainer,) = made
    assert trainer.plan.idle_heads == "skip"
    assert trainer.plan.learning_rate == 1e-3
    assert trainer.num_batches == dead_heads.NUM_BATCHES["paper"]
