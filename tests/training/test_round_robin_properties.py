"""round_robin: what Equation 1 promises, whatever the corpora and their sizes."""

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
    """Return batches an epoch of some corpora, in some order of their turns."""
    names = draw(st.lists(st.sampled_from(list(CORPORA)), unique=True, min_size=1))
    return {name: draw(st.integers(1, 80)) for name in names}


@given(counts())
def test_smallest_corpus_gives_one_batch_and_is_used_whole(num_batches: Counts) -> None:
    pace = min(num_batches.values())
    turns = turns_per_round(num_batches)
    for corpus, count in num_batches.items():
        assert turns[corpus] * pace <= count < (turns[corpus] + 1) * pace  # the floor of a ratio
        if count == pace:
            assert turns[corpus] == 1
            assert discarded_batches(num_batches)[corpus] == 0


@given(counts())
def test_every_round_is_the_corpora_in_their_order(num_batches: Counts) -> None:
    order, turns = list(round_robin(num_batches)), turns_per_round(num_batches)
    one_round = order[: sum(turns.values())]
    assert [(name, len(list(run))) for name, run in groupby(one_round)] == list(turns.items())
    assert order == one_round * min(num_batches.values())


@given(counts())
def test_what_is_not_gone_through_is_less_than_one_more_turn_each_round(
    num_batches: Counts,
) -> None:
    order = list(round_robin(num_batches))
    for corpus, left in discarded_batches(num_batches).items():
        assert order.count(corpus) + left == num_batches[corpus]
        assert 0 <= left < min(num_batches.values())


@given(counts())
def test_corpora_weigh_alike_in_an_epoch(num_batches: Counts) -> None:
    order, weights = list(round_robin(num_batches)), loss_weights(num_batches)
    assert list(weights) == list(num_batches)
    for corpus, weight in weights.items():
        assert weight * turns_per_round(num_batches)[corpus] == pytest.approx(1)
        assert weight * order.count(corpus) == pytest.approx(min(num_batches.values()))
