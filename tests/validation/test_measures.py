"""measures: labels counted by hand; copies and lengths are in test_expectations.py."""

import math

import pandas as pd

from pipeline.core.tasks import CORPORA
from pipeline.validation.measures import label_bins


def test_labels_are_counted_in_bins_with_halves_upwards() -> None:
    labels = pd.Series([0.0, 0.49, 0.5, 2.5, 4.5, 5.0, 7.0, -1.0, math.nan])
    counted = {"0": 2, "1": 1, "2": 0, "3": 1, "4": 0, "5": 2}
    assert label_bins(labels, CORPORA["sts"]) == counted
    assert label_bins(pd.Series([1.0, 1.0]), CORPORA["quora"]) == {"0": 0, "1": 2}
    assert label_bins(pd.Series([math.nan]), CORPORA["quora"]) == {}
