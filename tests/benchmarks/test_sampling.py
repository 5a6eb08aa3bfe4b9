"""What a few batches say about an epoch."""

import numpy as np
import pytest

from benchmarks.sampling import epoch_seconds, padded_tokens, real_tokens, spread
from pipeline.core.tasks import CORPORA
from pipeline.tokens.token_cache import TokenizedSplit

SKEWED = np.array([10.0, 1.0, 40.0, 2.0, 3.0, 5.0, 90.0, 4.0])


def pairs_of_lengths(*lengths: int) -> TokenizedSplit:
    return TokenizedSplit(
        CORPORA["sts"],
        np.zeros(sum(lengths), dtype=np.int32),
        np.cumsum([0, *lengths]),
        np.zeros(len(lengths) // 2, dtype=np.float32),
        np.array([str(i) for i in range(len(lengths) // 2)]),
        pad_id=0,
    )


def test_batches_are_chosen_from_the_smallest_to_the_largest() -> None:
    assert spread(np.array([30.0, 10.0, 40.0, 20.0]), 2, 0.0) == [1, 0]
    assert spread(np.array([30.0, 10.0, 40.0, 20.0]), 2, 0.5) == [3, 2]
    assert spread(np.array([7.0]), 3, 0.5) == [0, 0, 0]


def test_over_all_shifts_every_batch_is_chosen_equally_often() -> None:
    shifts = (np.arange(4) + 0.5) / 4
    chosen = [place for shift in shifts for place in spread(SKEWED, 2, float(shift))]
    assert sorted(chosen) == list(range(8))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("shift", [0.1, 0.5, 0.9])
def test_the_estimate_is_exact_where_time_grows_with_work(count: int, shift: float) -> None:
    chosen = SKEWED[spread(SKEWED, count, shift)]
    assert epoch_seconds(list(0.25 * chosen), chosen, SKEWED) == pytest.approx(0.25 * SKEWED.sum())


def test_the_estimate_is_the_mean_over_all_shifts_for_any_time() -> None:
    seconds = SKEWED**1.5 + 3.0
    shifts = (np.arange(4) + 0.5) / 4
    places = [place for shift in shifts for place in spread(SKEWED, 2, float(shift))]
    estimate = epoch_seconds(list(seconds[places]), SKEWED[places], SKEWED)
    assert estimate == pytest.approx(seconds.sum())


def test_padding_is_counted_up_to_the_longest_sentence_of_a_batch() -> None:
    split = pairs_of_lengths(3, 5, 2, 2, 4, 1)
    batches = [np.array([0, 1]), np.array([2])]
    assert padded_tokens(split, batches).tolist() == [5 * 2 * 2, 4 * 1 * 2]
    assert real_tokens(split, batches).tolist() == [3 + 5 + 2 + 2, 4 + 1]
