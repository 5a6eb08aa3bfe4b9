"""Batches, whatever the lengths: every example once, of like length, padded at the end only."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA
from pipeline.encoder.batches import (
    Collator,
    Indices,
    joined,
    num_batches,
    on_device,
    shuffled_batches,
    sorted_batches,
)
from pipeline.tokens.token_cache import TokenizedSplit

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(2, 20), max_size=60).map(lambda each: np.array(each, np.int64))
SIZES = st.integers(1, 9)
SEEDS = st.integers(0, 2**32 - 1)


def assert_cut(batches: list[Indices], num_examples: int, size: int) -> None:
    """Check that every example comes once and one batch at most is not full."""
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(num_examples))
    assert len(batches) == num_batches(num_examples, size)
    assert all(len(batch) == size for batch in sorted(batches, key=len)[1:])
    assert all(0 < len(batch) <= size for batch in batches)


@given(LENGTHS, SIZES, st.integers(1, 5), SEEDS)
def test_an_epoch_has_every_example_once_whatever_the_pools(
    lengths: Indices, size: int, pool_batches: int, seed: int
) -> None:
    first, again = (
        shuffled_batches(lengths, size, pool_batches, np.random.default_rng(seed)) for _ in range(2)
    )
    assert_cut(first, len(lengths), size)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@given(LENGTHS, SIZES, st.integers(2, 5), SEEDS)
def test_a_pool_is_cut_in_the_order_of_length(
    lengths: Indices, size: int, pool_batches: int, seed: int
) -> None:
    batches = shuffled_batches(lengths, size, pool_batches, np.random.default_rng(seed))
    # the first thing that is drawn: which examples make a pool
    order = np.random.default_rng(seed).permutation(len(lengths))
    for start in range(0, len(order), size * pool_batches):
        pool = set(order[start : start + size * pool_batches].tolist())
        inside = [batch for batch in batches if set(batch.tolist()) <= pool]
        assert sum(map(len, inside)) == len(pool)
        inside.sort(key=lambda batch: (lengths[batch].tolist(), -len(batch)))
        in_order = np.concatenate([lengths[batch] for batch in inside])
        assert in_order.tolist() == sorted(lengths[list(pool)].tolist())


@given(LENGTHS, SIZES, SEEDS)
def test_a_pool_of_one_batch_is_plain_shuffling(lengths: Indices, size: int, seed: int) -> None:
    plain = shuffled_batches(lengths, size, 1, np.random.default_rng(seed))
    unaware = shuffled_batches(np.zeros_like(lengths), size, 1, np.random.default_rng(seed))
    assert [batch.tolist() for batch in plain] == [batch.tolist() for batch in unaware]


@given(LENGTHS, SIZES)
def test_evaluation_goes_from_the_longest_to_the_shortest(lengths: Indices, size: int) -> None:
    batches = sorted_batches(lengths, size)
    assert_cut(batches, len(lengths), size)
    assert all(len(batch) == size for batch in batches[:-1])
    order = [i for batch in batches for i in batch.tolist()]
    # of equal length: in the order of the split, so that it is the same everywhere
    assert all((-lengths[a], a) < (-lengths[b], b) for a, b in pairwise(order))


@st.composite
def tokenized_splits(draw: st.DrawFn) -> TokenizedSplit:
    corpus = CORPORA[draw(st.sampled_from(list(CORPORA)))]
    count = draw(st.integers(1, 12))
    each = st.integers(2, 9)
    lengths = [draw(each) for _ in range(count * corpus.task.num_sentences)]
    pad_id = draw(st.integers(0, 99))
    return TokenizedSplit(
        corpus,
        # ids may be the padding's own: "[PAD]" in a text is a token like any other
        np.array([draw(st.integers(0, 99)) for _ in range(sum(lengths))], dtype=np.int32),
        np.cumsum([0, *lengths]),
        np.zeros(count, dtype=np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=pad_id,
    )


@given(tokenized_splits(), SIZES, SEEDS)
def test_collated_sentences_come_back_and_padding_stands_at_their_end(
    split: TokenizedSplit, size: int, seed: int
) -> None:
    batches = shuffled_batches(split.lengths, size, 2, np.random.default_rng(seed))
    collator = Collator(split, CPU)
    for indices, chosen in zip(batches, on_device(batches, split.lengths, CPU), strict=True):
        batch = collator.collate(chosen)
        assert batch.input_ids.shape[-1] == max(split.lengths[indices])
        for row, example in enumerate(indices):
            for place, sentence in enumerate(split.sentences(example)):
                ids, mask = batch.input_ids[row, place], batch.attention_mask[row, place]
                assert ids.tolist()[: len(sentence)] == sentence.tolist()
                assert set(ids.tolist()[len(sentence) :]) <= {split.pad_id}
                assert mask.tolist() == [t < len(sentence) for t in range(len(ids))]


@given(tokenized_splits().filter(lambda split: split.corpus.is_pair), st.integers(6, 18))
def test_a_joint_pair_fits_and_both_sentences_keep_their_ends(
    split: TokenizedSplit, limit: int
) -> None:
    pairs = joined(replace(split, max_length=limit))
    num_cut = 0
    for example in range(len(split)):
        whole, kept = split.sentences(example), pairs.sentences(example)
        total = sum(map(len, whole))
        assert sum(map(len, kept)) == min(total, limit)
        num_cut += total > limit
        for before, after in zip(whole, kept, strict=True):
            assert after.tolist() == [*before[: len(after) - 1], before[-1]]
        if len(whole[0]) != len(kept[0]) and len(whole[1]) != len(kept[1]):
            assert abs(len(kept[0]) - len(kept[1])) <= 1  # both are cut only down to alike
    assert pairs.num_cut == num_cut
    assert pairs.lengths.tolist() == [
        sum(map(len, pairs.sentences(example))) for example in range(len(split))
    ]
