"""round_robin: Equation 1 on numbers small enough to count by hand."""

import pytest

from pipeline.training.round_robin import (
    discarded_batches,
    loss_weights,
    round_robin,
    turns_per_round,
)


def test_smallest_corpus_gives_one_batch_per_round() -> None:
    order = list(round_robin({"sst": 2, "quora": 6, "sts": 3}))
    assert order == ["sst", "quora", "quora", "quora", "sts"] * 2


@pytest.mark.parametrize("smallest", ["sst", "quora", "sts"])
def test_any_corpus_may_be_the_smallest(smallest: str) -> None:
    counts = {"sst": 7, "quora": 7, "sts": 7} | {smallest: 3}
    turns = turns_per_round(counts)  # type: ignore[arg-type]
    assert turns == {"sst": 2, "quora": 2, "sts": 2} | {smallest: 1}
    assert len(list(round_robin(counts))) == 3 * 5  # type: ignore[arg-type]


def test_the_papers_own_sizes() -> None:
    # 8,544 / 64, 141,506 / 16 and 6,040 / 16 batches
    counts = {"sst": 134, "quora": 8845, "sts": 378}
    assert turns_per_round(counts) == {"sst": 1, "quora": 66, "sts": 2}  # type: ignore[arg-type]
    assert discarded_batches(counts) == {"sst": 0, "quora": 1, "sts": 110}  # type: ignore[arg-type]


def test_weights_are_the_inverse_of_the_ratios() -> None:
    assert loss_weights({"sst": 2, "quora": 9, "sts": 4}) == {"sst": 1, "quora": 0.25, "sts": 0.5}


def test_one_corpus_alone_is_gone_through_once() -> None:
    assert list(round_robin({"sst": 3})) == ["sst"] * 3
    assert discarded_batches({"sst": 3}) == {"sst": 0}


def test_remainder_of_a_larger_corpus_is_left_out() -> None:
    assert list(round_robin({"sst": 2, "quora": 5})).count("quora") == 4
    assert discarded_batches({"sst": 2, "quora": 5}) == {"sst": 0, "quora": 1}


def test_corpus_without_batches_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one batch.*'sts': 0"):
        turns_per_round({"sst": 2, "sts": 0})
