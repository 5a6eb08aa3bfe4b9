"""Spread: the sample's deviation, and what is undefined counted and in no number."""

import numpy as np
import pytest

from pipeline.reporting.results import spread_of


def test_what_is_undefined_is_counted_and_in_no_number() -> None:
    spread = spread_of([0.4, None, 0.6])
    assert (spread.count, spread.undefined) == (3, 1)
    assert spread.mean == pytest.approx(0.5)
    assert spread.sd == pytest.approx(np.std([0.4, 0.6], ddof=1))
    assert spread.shown == "0.500 ± 0.141 (2 of 3, others undefined)"


def test_of_one_score_there_is_no_deviation_and_of_none_no_number() -> None:
    assert spread_of([0.5]).shown == "0.500 (1)"
    assert spread_of([0.5, None]).shown == "0.500 (1 of 2, others undefined)"
    nothing = spread_of([None, None])
    assert (nothing.mean, nothing.sd, nothing.worst, nothing.best) == (None, None, None, None)
    assert nothing.shown == "undefined (2 of 2)"
