"""The experiment on idle heads: its data and turns, and that `step` kills heads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import dead_heads
from pipeline.core.tasks import CORPORA, CorpusName, IdleHeads, Split
from pipeline.heads.examples import VectorExamples
from pipeline.heads.model import Head, MultitaskBert
from pipeline.plumbing.params import RunParams
from pipeline.reporting.dead_heads import Condition, Vectors, read_dead_heads
from pipeline.training.loop import TrainingPlan
from tests.params import PARAMS
from tests.splits import split_of

RUN = PARAMS.run("multitask-pretrain")
SIZES: dict[CorpusName, int] = {"sst": 16, "quora": 28, "sts": 24}  # 4, 7 and 6 batches of 4
WIDTH = 12


def data_of(shift: float = 0.0) -> Mapping[Split, dict[CorpusName, VectorExamples]]:
    """Make examples whose vectors are close to the same number in every dimension."""
    generator = np.random.default_rng(0)

    def vectors_of(corpus: CorpusName, count: int) -> VectorExamples:
        width = CORPORA[corpus].task.num_sentences
        labels = generator.integers(0, CORPORA[corpus].max_label + 1, count)
        split = split_of(corpus, [[0] * 3] * (count * width), labels)
        vectors = shift + generator.normal(0, 0.15, (count, width, WIDTH))
        return VectorExamples(split, torch.from_numpy(vectors).half())

    return {
        "train": {name: vectors_of(name, size) for name, size in SIZES.items()},
        "dev": {name: vectors_of(name, 10) for name in SIZES},
    }


def plan_of(idle_heads: IdleHeads, seed: int) -> TrainingPlan:
    return TrainingPlan(
        epochs=3,
        learning_rate=6e-2,
        batch_size=dict.fromkeys(SIZES, 4),
        optimizer=PARAMS.optimizer,
        speed=PARAMS.speed.training,
        dev_batch_size=8,
        seed=seed,
        idle_heads=idle_heads,
    )


def test_an_epoch_has_the_papers_turns_and_repeats_a_small_corpus() -> None:
    data, plan = data_of(), plan_of("step", seed=1)
    model = MultitaskBert(None, RUN.corpora, WIDTH, RUN.dropout)
    trainer = dead_heads.Repeating(model, data["train"], data["dev"], plan)
    trainer.num_batches |= dead_heads.NUM_BATCHES["paper"]
    turns = trainer._turns()
    assert [corpus for corpus, _ in turns[:69]] == ["sst"] + ["quora"] * 66 + ["sts"] * 2
    assert len(turns) == 134 * 69
    quora = torch.cat([chosen.indices for corpus, chosen in turns if corpus == "quora"])
    counts = torch.bincount(quora, minlength=SIZES["quora"])
    assert counts.max() - counts.min() <= 1  # each pass has every example


def test_with_a_shared_direction_stepping_kills_idle_heads_and_skipping_does_not() -> None:
    dead: dict[IdleHeads, list[bool]] = {"step": [], "skip": []}
    for idle_heads, ends in dead.items():
        for seed in range(3):
            plan, turns = plan_of(idle_heads, seed), {"sst": 3, "quora": 198, "sts": 6}
            scores, zeros = dead_heads.fitted(RUN, data_of(shift=0.6), plan, turns)
            assert [len(epochs) for epochs in (*scores.values(), zeros)] == [3] * 4
            ends.append(zeros[-1] == 1.0)
    assert all(dead["step"])
    assert not any(dead["skip"])


def test_finished_runs_are_not_trained_again_and_each_run_uses_its_condition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Condition, TrainingPlan, Mapping[CorpusName, int]]] = []

    def fitted(_: RunParams, data: Any, plan: TrainingPlan, num: Mapping[CorpusName, int]) -> Any:
        calls.append((data, plan, num))
        return {"sst": [0.2], "quora": [0.7], "sts": [None]}, [1.0]

    monkeypatch.setattr(dead_heads, "read_data", lambda run, condition, seed: condition)
    monkeypatch.setattr(dead_heads, "fitted", fitted)
    results = tmp_path / "dead-heads.json"
    first = Condition("paper", "bert-like", "step", "joint")
    second = Condition("ours", "minilm", "skip", "separate")
    dead_heads.train_missing(PARAMS, [first], [7], results)
    dead_heads.train_missing(PARAMS, [second, first], [7, 8], results)
    order = [(first, 7), (second, 7), (second, 8), (first, 8)]
    assert [(condition, plan.seed) for condition, plan, _ in calls] == order
    for condition, plan, num in calls:
        assert (plan.idle_heads, plan.learning_rate) == (condition.idle_heads, 1e-3)
        assert num == dead_heads.NUM_BATCHES[condition.turns]
    found = [(run.condition, run.seed) for run in read_dead_heads(results)]
    assert found == [(each, seed) for each in (first, second) for seed in (7, 8)]


def test_bert_like_vectors_share_a_direction_and_the_controls_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = data_of()
    monkeypatch.setattr(dead_heads, "open_examples", lambda run, split, device: dict(data[split]))

    def read(vectors: Vectors) -> dict[CorpusName, torch.Tensor]:
        condition = Condition("paper", vectors, "step", "joint")
        made = dead_heads.read_data(RUN, condition, seed=1)["train"]
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
    for made in (alike, control, own):  # means of token vectors do not change
        assert torch.equal(made["quora"], data["train"]["quora"].vectors.float())
    assert torch.equal(own["sts"], data["train"]["sts"].vectors.float())


def test_the_shared_direction_is_not_correlated_with_the_heads_weights() -> None:
    signs = dead_heads.shared_direction(384, seed=1).sign()
    torch.manual_seed(1)
    for head in MultitaskBert(None, RUN.corpora, 384, RUN.dropout).heads.values():
        assert isinstance(head, Head)
        weights = head.linear.weight.unflatten(1, (-1, 384)).flatten(end_dim=1).sign()
        assert ((weights * signs).mean(dim=1).abs() < 0.2).all()
