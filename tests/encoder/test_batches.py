"""Batches: padding, and every example exactly once in an epoch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.core.tasks import CORPORA
from pipeline.encoder.batches import (
    Collator,
    joined,
    on_device,
    shuffled_batches,
)
from pipeline.tokens.token_cache import TokenizedSplit

CPU = torch.device("cpu")


def split_of(pairs: list[tuple[list[int], list[int]]]) -> TokenizedSplit:
    sentences = [sentence for pair in pairs for sentence in pair]
    return TokenizedSplit(
        CORPORA["sts"],
        np.array([token for sentence in sentences for token in sentence], dtype=np.int32),
        np.cumsum([0, *map(len, sentences)]),
        np.arange(len(pairs), dtype=np.float32),
        np.array([f"id-{i}" for i in range(len(pairs))]),
        pad_id=0,
    )


def test_collate_fills_up_to_the_longest_sentence_of_the_batch() -> None:
    split = split_of([([1, 2], [3]), ([4, 5, 6], [7, 8]), ([9] * 9, [9])])
    chosen, other = on_device([np.array([1, 0]), np.array([2])], split.lengths, CPU)
    assert (chosen.longest, other.longest) == (3, 9)
    assert chosen.described(CORPORA["sts"]) == "a batch of 2 examples of up to 3 tokens of sts"
    batch = Collator(split, CPU).collate(chosen)
    assert batch.input_ids.tolist() == [[[4, 5, 6], [7, 8, 0]], [[1, 2, 0], [3, 0, 0]]]
    assert batch.attention_mask.tolist() == [
        [[True] * 3, [True, True, False]],
        [[True, True, False], [True, False, False]],
    ]


def test_a_joint_pair_is_one_sequence_and_says_where_the_second_sentence_begins() -> None:
    split = joined(split_of([([1, 2], [3, 4]), ([4, 5, 6], [7, 8]), ([9] * 9, [9] * 2)]))
    assert split.lengths.tolist() == [4, 5, 11]
    (chosen,) = on_device([np.array([1, 0])], split.lengths, CPU)
    batch = Collator(split, CPU).collate(chosen)
    assert batch.input_ids.tolist() == [[[4, 5, 6, 7, 8]], [[1, 2, 3, 4, 0]]]
    assert batch.attention_mask.tolist() == [[[True] * 5], [[True] * 4 + [False]]]
    assert batch.second is not None
    assert batch.second.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("first", "second", "limit", "kept"),
    [
        (4, 4, 8, (4, 4)),
        (5, 4, 8, (4, 4)),
        (9, 3, 8, (5, 3)),  # the longer one alone
        (3, 9, 8, (3, 5)),
        (9, 9, 9, (5, 4)),  # both, down to the half
        (2, 30, 8, (2, 6)),
    ],
)
def test_of_a_joint_pair_the_longer_sentence_is_cut_first(
    first: int, second: int, limit: int, kept: tuple[int, int]
) -> None:
    def sentence(length: int, start: int) -> list[int]:
        return [101, *range(start, start + length - 2), 102]

    whole = split_of([([101, 102], [101, 102]), (sentence(first, 200), sentence(second, 300))])
    split = joined(replace(whole, max_length=limit))
    assert split.num_cut == ((first, second) != kept)
    sentences = [ids.tolist() for ids in split.sentences(1)]
    expected = (sentence(kept[0], 200), sentence(kept[1], 300))  # begin as before, end in [SEP]
    assert tuple(sentences) == expected
    assert [ids.tolist() for ids in split.sentences(0)] == [[101, 102], [101, 102]]


def test_batches_are_made_where_the_examples_are() -> None:
    device = torch.device("meta")  # the one beside the CPU that every machine has
    split = split_of([([1, 2], [3]), ([4, 5, 6], [7, 8])])
    (chosen,) = on_device([np.array([1, 0])], split.lengths, device)
    assert chosen.indices.device == device
    batch = Collator(split, device).collate(chosen)
    for tensor, dtype in ((batch.input_ids, torch.int64), (batch.attention_mask, torch.bool)):
        assert (tensor.device, tensor.dtype, tensor.shape) == (device, dtype, (2, 2, 3))


def test_examples_of_one_length_keep_the_order_of_the_shuffle() -> None:
    """A sort that is not stable would order them as the version of numpy likes."""
    lengths = np.arange(400) % 2
    (batch,) = shuffled_batches(lengths, 400, 2, np.random.default_rng(5))
    order = np.random.default_rng(5).permutation(400)
    assert batch.tolist() == [*order[order % 2 == 0], *order[order % 2 == 1]]


def test_buckets_waste_less_padding_than_plain_shuffling() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 2000)

    def padded(pool_batches: int) -> int:
        batches = shuffled_batches(lengths, 16, pool_batches, np.random.default_rng(1))
        return sum(int(lengths[batch].max()) * len(batch) for batch in batches)

    assert padded(50) < 1.1 * lengths.sum() < 1.5 * lengths.sum() < padded(1)


def test_epochs_of_one_generator_differ() -> None:
    generator = np.random.default_rng(5)
    one, two = (shuffled_batches(list(range(64)), 4, 4, generator) for _ in range(2))
    assert [b.tolist() for b in one] != [b.tolist() for b in two]
