"""The two claims: answered by counting, on scores small enough to check by hand."""

from typing import Any

from pipeline.reporting.claims import finetune_claim, multitask_claim, overlap


def told(lines: Any) -> str:
    return "\n".join(lines)


def test_finetune_that_wins_everywhere_is_a_yes(result: Any) -> None:
    rows = [
        result("sst", "single-task", "pretrain", 0.30),
        result("sst", "single-task", "finetune", 0.50),
        result("sts", "single-task", "pretrain", 0.40),
        result("sts", "single-task", "finetune", 0.41),
    ]
    answer = told(finetune_claim(rows))
    assert "Yes: in 2 of 2" in answer
    assert "do not overlap in 1 of these 2" in answer


def test_finetune_that_loses_once_is_a_no_with_the_row_named(result: Any) -> None:
    rows = [
        result("sst", "single-task", "pretrain", 0.30),
        result("sst", "single-task", "finetune", 0.29),
        result("sst", "multi-task", "pretrain", 0.30),
        result("sst", "multi-task", "finetune", 0.50),
    ]
    answer = told(finetune_claim(rows))
    assert "No: in 1 of 2" in answer
    assert "sst single-task (0.290 against 0.300)" in answer


def test_equal_scores_are_no_win(result: Any) -> None:
    rows = [result("sst", "single-task", mode, 0.3) for mode in ("pretrain", "finetune")]
    assert "No: in 0 of 1" in told(finetune_claim(rows))


def test_defined_score_beats_an_undefined_one_and_not_the_other_way(result: Any) -> None:
    rows = [
        result("sts", "multi-task", "pretrain", None),
        result("sts", "multi-task", "finetune", 0.1),
    ]
    assert "Yes: in 1 of 1" in told(finetune_claim(rows))
    rows = [
        result("sts", "multi-task", "pretrain", 0.1),
        result("sts", "multi-task", "finetune", None),
    ]
    assert "(undefined against 0.100)" in told(finetune_claim(rows))


def test_multitask_holds_up_when_better_or_within_the_intervals(result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.50),
        result("sst", "multi-task", "finetune", 0.49),  # intervals overlap
        result("sts", "single-task", "finetune", 0.50),
        result("sts", "multi-task", "finetune", 0.40),  # they do not
    ]
    answer = told(multitask_claim(rows, "finetune"))
    assert "In part" in answer
    assert "in 1 of 2 corpora" in answer
    assert "- sts: 0.400 against 0.500 (-0.100; the intervals do not overlap)" in answer


def test_undefined_multitask_score_does_not_hold_up(result: Any) -> None:
    rows = [
        result("sts", "single-task", "pretrain", 0.2),
        result("sts", "multi-task", "pretrain", None),
    ]
    assert "No: as good" in told(multitask_claim(rows, "pretrain"))


def test_nothing_is_claimed_without_pairs(result: Any) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    assert told(finetune_claim(rows)) == ""
    assert told(multitask_claim(rows, "finetune")) == ""


def test_intervals_that_touch_overlap(result: Any) -> None:
    one = result("sst", "single-task", "finetune", 0.5)
    assert overlap(one, result("sst", "multi-task", "finetune", 0.54))
    assert not overlap(one, result("sst", "multi-task", "finetune", 0.55))
    assert overlap(one, result("sst", "multi-task", "finetune", None)) is None
