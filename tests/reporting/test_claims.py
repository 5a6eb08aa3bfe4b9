"""The two claims in cases that no committed record has: undefined scores, rows without a test."""

from typing import Any

import pytest

from pipeline.reporting.claims import finetune_claim, multitask_claim, overlap
from tests.reporting.conftest import result_of

NO_INTERVAL = {"ci_low": None, "ci_high": None}
# rows as corpus, scheme, pretrain score, finetune score; intervals are ± 0.02
SINGLE, MULTI = "single-task", "multi-task"


@pytest.mark.parametrize(
    ("rows", "texts", "absent"),
    [
        (  # it loses once
            [("sst", SINGLE, 0.30, 0.29), ("sst", MULTI, 0.30, 0.50)],
            ["No: in 1 of 2", "Not in: sst single-task (0.290 against 0.300)"],
            "They overlap",
        ),
        ([("sst", SINGLE, 0.3, 0.3)], ["No: in 0 of 1"], "intervals"),  # no win to qualify
        (  # a defined score beats an undefined one
            [("sts", MULTI, None, 0.1)],
            [
                "Yes: in 1 of 1",
                "do not overlap in 0 of these 1",
                "has no interval in: sts multi-task (0.100 against undefined)",
            ],
            "They overlap",
        ),
        ([("sts", MULTI, 0.1, None)], ["No: in 0 of 1", "(undefined against 0.100)"], "Yes"),
    ],
)
def test_finetune_is_compared_with_pretrain(rows: list[Any], texts: list[str], absent: str) -> None:
    results = [
        result_of(corpus, scheme, mode, score)
        for corpus, scheme, *scores in rows
        for mode, score in zip(("pretrain", "finetune"), scores, strict=True)
    ]
    answer = finetune_claim(results)
    assert [text for text in texts if text not in answer] == []
    assert absent not in answer


@pytest.mark.parametrize(
    ("rows", "changes", "texts"),
    [
        (  # better, or overlapping intervals
            [("sst", 0.50, 0.49), ("sts", 0.50, 0.40)],
            {},
            [
                "In part",
                "in 1 of 2.",
                ":\n\n- sst: 0.490 against 0.500 (-0.010; the intervals overlap)",
                "- sts: 0.400 against 0.500 (-0.100; the intervals do not overlap)",
            ],
        ),
        ([("sts", 0.2, None)], {}, ["No: as good"]),
        ([("sst", 0.5, 0.6), ("sts", None, 0.1)], {}, ["Yes: as good", "in 2 of 2."]),
        ([("sst", 0.5, 0.6)], NO_INTERVAL, ["(+0.100; the intervals are not both known)"]),
    ],
)
def test_multitask_is_compared_with_single_task(
    rows: list[Any], changes: dict[str, Any], texts: list[str]
) -> None:
    results = []
    for corpus, single, multi in rows:
        results.append(result_of(corpus, SINGLE, "finetune", single))
        results.append(result_of(corpus, MULTI, "finetune", multi, **changes))
    answer = multitask_claim(results, "finetune")
    assert [text for text in texts if text not in answer] == []


def test_nothing_is_claimed_without_pairs() -> None:
    rows = [result_of("sst", SINGLE, "finetune", 0.5)]
    assert finetune_claim(rows) == multitask_claim(rows, "finetune") == ""


def test_touching_intervals_overlap() -> None:
    one = result_of("sst", SINGLE, "finetune", 0.4, ci_low=0.3, ci_high=0.5)
    for low, wanted in ((0.5, True), (0.51, False), (None, None)):
        other = result_of("sst", MULTI, "finetune", 0.6, ci_low=low, ci_high=0.7)
        assert overlap(one, other) is overlap(other, one) is wanted
