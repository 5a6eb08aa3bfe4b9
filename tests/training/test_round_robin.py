"""round_robin follows Equation 1 for any corpora and sizes."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.training.round_robin import (
    discarded_batches,
    loss_weights,
    round_robin,
    turns_per_round,
)

Counts = dict[CorpusName, int]


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    """Draw numbers of batches per epoch for some corpora, in some order of turns."""
    names = draw(st.lists(st.sampled_from(list(CORPORA)), unique=True, min_size=1))
    return {name: draw(st.integers(1, 80)) for name in names}


@given(counts())
def test_the_smallest_corpus_gives_one_batch_and_others_the_floored_ratio(
    num_batches: Counts,
) -> None:
    pace, turns = min(num_batches.values()), turns_per_round(num_batches)
    for corpus, count in num_batches.items():
        assert turns[corpus] * pace <= count < (turns[corpus] + 1) * pace


@given(counts())
def test_every_round_has_the_corpora_in_order(num_batches: Counts) -> None:
    order, turns = list(round_robin(num_batches)), turns_per_round(num_batches)
    one_round = order[: sum(turns.values())]
    assert [(name, len(list(run))) for name, run in groupby(one_round)] == list(turns.items())
    assert order == one_round * min(num_batches.values())


@given(counts())
def test_corpora_have_equal_weight_and_left_out_batches_are_counted(num_batches: Counts) -> None:
    order, left = list(round_robin(num_batches)), discarded_batches(num_batches)
    weights = loss_weights(num_batches)
    assert list(weights) == list(left) == list(num_batches)
    for corpus, count in num_batches.items():
        assert order.count(corpus) + left[corpus] == count
        assert weights[corpus] * order.count(corpus) == pytest.approx(min(num_batches.values()))


def test_a_corpus_without_batches_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"at least one batch.*'sts': 0"):
        turns_per_round({"sst": 2, "sts": 0})
