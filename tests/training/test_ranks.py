"""Ranks: together they do what one process does; tests/training/test_torchrun.py has real ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batches import Chosen
from pipeline.errors import ParamsError, TrainingError
from pipeline.model.heads import Head, loss_of
from pipeline.tasks import CORPORA
from pipeline.training import ranks
from pipeline.training.ranks import ALONE, Ranks

CPU = torch.device("cpu")


def all_of(size: int) -> list[Ranks]:
    return [Ranks(rank, size) for rank in range(size)]


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20), st.integers(1, 24))
def test_together_they_take_every_example_once(indices: list[int], size: int) -> None:
    parts = [one.part(Chosen(torch.tensor(indices), 7)) for one in all_of(size)]
    taken = [i for part, fraction in parts if fraction for i in part.indices.tolist()]
    assert sorted(taken) == sorted(indices)
    assert sum(fraction for _, fraction in parts) == pytest.approx(1)
    assert all(len(part.indices) and part.longest == 7 for part, _ in parts)
    counts = [len(part.indices) if fraction else 0 for part, fraction in parts]
    assert max(counts) - min(counts) <= 1


@given(st.integers(1, 9), st.integers(1, 6), st.sampled_from(["sst", "quora", "sts"]))
def test_the_sum_of_their_gradients_and_losses_is_that_of_the_batch(
    count: int, size: int, name: str
) -> None:
    corpus = next(corpus for corpus in CORPORA.values() if corpus.name == name)
    torch.manual_seed(count)
    head = Head(corpus, 4, dropout=0.0)
    vectors = torch.randn(count, corpus.task.num_sentences, 4)
    labels = torch.arange(count).remainder(2).float()

    def passed(chosen: Chosen, fraction: float) -> float:
        loss = loss_of(corpus, head(vectors[chosen.indices]), labels[chosen.indices])
        (loss * fraction).backward()  # type: ignore[no-untyped-call]
        return loss.item() * fraction

    batch = Chosen(torch.arange(count), 7)
    whole = passed(batch, 1.0)
    gradients = [parameter.grad for parameter in head.parameters()]
    head.zero_grad()
    assert sum(passed(*one.part(batch)) for one in all_of(size)) == pytest.approx(whole, abs=1e-5)
    for parameter, gradient in zip(head.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5, rtol=1e-5)


def test_one_process_alone_changes_nothing() -> None:
    chosen, loss, head = Chosen(torch.arange(3), 7), torch.tensor(0.5), torch.nn.Linear(2, 1)
    assert ALONE.part(chosen) == (chosen, 1.0)
    assert ALONE.added_up(head, loss, 1.0) is loss
    assert ALONE.named("cpu") == "cpu"
    state = torch.get_rng_state()
    ALONE.reseed(1, 2, 3)
    ALONE.check_same(head, 1)
    assert torch.equal(torch.get_rng_state(), state)
    with ranks.joined(CPU) as joined:  # torchrun has not started this process
        assert joined == (ALONE, CPU)


def test_random_numbers_differ_by_rank_and_step_and_are_the_same_again() -> None:
    def drawn(one: Ranks, *place: int) -> float:
        one.reseed(*place)
        return float(torch.rand(1))

    places = [(11711, epoch, step) for epoch in (1, 2) for step in range(3)]
    state = torch.get_rng_state()
    first = [drawn(one, *place) for one in all_of(3) for place in places]
    torch.manual_seed(99)
    assert first == [drawn(one, *place) for one in all_of(3) for place in places]
    torch.set_rng_state(state)
    assert len(set(first)) == len(first)
    assert np.std(first) > 0.1


def test_a_device_of_which_every_rank_has_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert ranks._own_device(torch.device("cuda"), 1) == torch.device("cuda", 1)
    assert ranks._own_device(CPU, 5) == CPU
    assert chosen == [1]
    with pytest.raises(ParamsError, match="process 3 of this machine has no GPU, there are 2"):
        ranks._own_device(torch.device("cuda"), 2)
    with pytest.raises(ParamsError, match="device: 'mps' takes one process, not several"):
        ranks._own_device(torch.device("mps"), 0)


def combined_with(other: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second rank, which gives these numbers, take part in the next comparison."""
    monkeypatch.setattr(
        ranks, "_all_reduce", lambda mine, _: mine.copy_(torch.maximum(mine, other))
    )


@pytest.mark.parametrize(
    ("weight", "step", "is_same"),
    [(1.0, 3, True), (1.0 + 1e-6, 3, False), (1.0, 4, False), (float("nan"), 3, True)],
)
def test_ranks_with_another_model_or_place_are_found_out(
    weight: float, step: int, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    value = 1.0 if weight == weight else weight  # a model that is spoilt is so everywhere
    torch.nn.init.constant_(model.weight, value)
    theirs = torch.tensor(weight).double().nan_to_num()
    there = torch.stack([theirs, torch.tensor(2.0), torch.tensor(float(step))]).double()
    combined_with(torch.cat([there, -there]), monkeypatch)
    for one in all_of(2):
        if is_same:
            one.check_same(model, 2, 3)
            continue
        with pytest.raises(TrainingError, match="no longer hold the same model"):
            one.check_same(model, 2, 3)


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("[gloo/transport/tcp/pair.cc:553] Connection closed", "has ended; `make repro` goes on"),
        ("NCCL error: unhandled", r"has ended \(NCCL error: unhandled\); `make repro` goes on"),
    ],
)
def test_the_loss_of_a_rank_is_told_in_a_sentence(cause: str, told: str) -> None:
    with pytest.raises(TrainingError, match=told), ranks._losing_ranks():
        raise RuntimeError(cause)
