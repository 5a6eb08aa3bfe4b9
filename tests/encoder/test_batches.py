"""Batches have every example once, similar lengths, and padding only at the end."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA
from pipeline.encoder.batches import (
    Indices,
    TokenExamples,
    joined,
    num_batches,
    on_device,
    shuffled_batches,
    sorted_batches,
)
from pipeline.tokens.token_cache import TokenizedSplit
from tests.splits import split_of

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(2, 20), max_size=60).map(lambda each: np.array(each, np.int64))
SIZES = st.integers(1, 9)
SEEDS = st.integers(0, 2**32 - 1)


def assert_cut(batches: list[Indices], num_examples: int, size: int) -> None:
    """Check that every example occurs once and at most one batch is not full."""
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(num_examples))
    assert len(batches) == num_batches(num_examples, size)
    assert all(len(batch) == size for batch in sorted(batches, key=len)[1:])
    assert all(0 < len(batch) <= size for batch in batches)


@given(LENGTHS, SIZES, st.integers(1, 5), SEEDS)
def test_an_epoch_has_every_example_once_for_any_pool_size(
    lengths: Indices, size: int, pool_batches: int, seed: int
) -> None:
    first, again = (
        shuffled_batches(lengths, size, pool_batches, np.random.default_rng(seed)) for _ in range(2)
    )
    assert_cut(first, len(lengths), size)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@given(LENGTHS, SIZES, st.integers(2, 5), SEEDS)
def test_a_pool_is_divided_in_the_order_of_length(
    lengths: Indices, size: int, pool_batches: int, seed: int
) -> None:
    batches = shuffled_batches(lengths, size, pool_batches, np.random.default_rng(seed))
    # the first draw decides which examples form a pool
    order = np.random.default_rng(seed).permutation(len(lengths))
    for start in range(0, len(order), size * pool_batches):
        pool = set(order[start : start + size * pool_batches].tolist())
        inside = [batch for batch in batches if set(batch.tolist()) <= pool]
        assert sum(map(len, inside)) == len(pool)
        inside.sort(key=lambda batch: (lengths[batch].tolist(), -len(batch)))
        in_order = np.concatenate([lengths[batch] for batch in inside])
        assert in_order.tolist() == sorted(lengths[list(pool)].tolist())


def test_examples_of_equal_length_keep_their_shuffled_order() -> None:
    """With an unstable sort, their order would depend on the version of numpy."""
    lengths = np.arange(400) % 2
    (batch,) = shuffled_batches(lengths, 400, 2, np.random.default_rng(5))
    order = np.random.default_rng(5).permutation(400)
    assert batch.tolist() == [*order[order % 2 == 0], *order[order % 2 == 1]]


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
    # examples of equal length keep the order of the split, so that it is the same everywhere
    assert all((-lengths[a], a) < (-lengths[b], b) for a, b in pairwise(order))


@st.composite
def tokenized_splits(draw: st.DrawFn) -> TokenizedSplit:
    corpus = draw(st.sampled_from(list(CORPORA)))
    count = draw(st.integers(1, 12)) * CORPORA[corpus].task.num_sentences
    # ids may equal that of padding: "[PAD]" in a text is an ordinary token
    ids = st.integers(0, 99)
    sentences = [draw(st.lists(ids, min_size=2, max_size=9)) for _ in range(count)]
    return split_of(corpus, sentences, pad_id=draw(ids))


PAIRS = tokenized_splits().filter(lambda split: split.corpus.is_pair)


@given(tokenized_splits() | PAIRS.map(joined), SIZES, SEEDS)
def test_sequences_of_a_batch_are_unchanged_and_padded_at_the_end(
    split: TokenizedSplit, size: int, seed: int
) -> None:
    batches = shuffled_batches(split.lengths, size, 2, np.random.default_rng(seed))
    examples = TokenExamples(split, CPU)
    for indices, chosen in zip(batches, on_device(batches, split.lengths, CPU), strict=True):
        batch = examples.batch(chosen)
        assert chosen.longest == batch.input_ids.shape[-1] == max(split.lengths[indices])
        for row, example in enumerate(indices):
            sequences = split.sentences(example)
            if split.is_joint:
                assert batch.second is not None
                assert batch.second[row] == len(sequences[0])
                sequences = [np.concatenate(sequences)]
            assert batch.input_ids.shape[1] == len(sequences)
            for place, tokens in enumerate(sequences):
                ids, mask = batch.input_ids[row, place], batch.attention_mask[row, place]
                assert ids.tolist()[: len(tokens)] == tokens.tolist()
                assert set(ids.tolist()[len(tokens) :]) <= {split.pad_id}
                assert mask.tolist() == [t < len(tokens) for t in range(len(ids))]


@given(PAIRS, st.integers(6, 18))
def test_a_joint_pair_fits_and_the_longer_sentence_is_cut_first(
    split: TokenizedSplit, limit: int
) -> None:
    pairs = joined(replace(split, max_length=limit))
    num_cut = 0
    for example in range(len(split)):
        whole, kept = split.sentences(example), pairs.sentences(example)
        (first, second), lengths = map(len, whole), list(map(len, kept))
        if first + second <= limit:
            assert lengths == [first, second]
        else:
            num_cut += 1
            halves = (limit - limit // 2, limit // 2)
            shorter = min(first, second)  # it is complete, or both are cut to half the length
            assert sum(lengths) == limit
            assert min(lengths) == min(shorter, limit // 2)
            assert tuple(lengths) == halves or (lengths[0] < lengths[1]) == (first < second)
        for before, after in zip(whole, kept, strict=True):
            assert after.tolist() == [*before[: len(after) - 1], before[-1]]
    assert pairs.num_cut == num_cut
    assert pairs.lengths.tolist() == [
        sum(map(len, pairs.sentences(example))) for example in range(len(split))
    ]


def test_batches_are_built_on_the_device_of_the_examples() -> None:
    device = torch.device("meta")  # every machine has it besides the CPU
    split = split_of("sts", [[1, 2], [3], [4, 5, 6], [7, 8]])
    (chosen,) = on_device([np.array([1, 0])], split.lengths, device)
    assert chosen.indices.device == device
    message = "a batch of 2 examples of up to 3 tokens of sts"
    assert chosen.described(CORPORA["sts"]) == message
    batch = TokenExamples(split, device).batch(chosen)
    for tensor, dtype in ((batch.input_ids, torch.int64), (batch.attention_mask, torch.bool)):
        assert (tensor.device, tensor.dtype, tensor.shape) == (device, dtype, (2, 2, 3))
