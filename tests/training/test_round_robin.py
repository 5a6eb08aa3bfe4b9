"""round_robin: Equation 1 on numbers small enough to count by hand."""

import pytest

from pipeline.training.round_robin import discarded_batches, round_robin, turns_per_round


def test_smallest_corpus_gives_one_batch_per_round() -> None:
    order = list(round_robin({"sst": 2, "quora": 6, "sts": 3}))
    assert order == ["sst", "quora", "quora", "quora", "sts"] * 2


def test_the_papers_own_sizes() -> None:
    # 8,544 / 64, 141,506 / 16 and 6,040 / 16 batches
    counts = {"sst": 134, "quora": 8845, "sts": 378}
    assert turns_per_round(counts) == {"sst": 1, "quora": 66, "sts": 2}  # type: ignore[arg-type]
    assert discarded_batches(counts) == {"sst": 0, "quora": 1, "sts": 110}  # type: ignore[arg-type]


def test_corpus_without_batches_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one batch.*'sts': 0"):
        turns_per_round({"sst": 2, "sts": 0})
