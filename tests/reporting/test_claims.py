"""The two claims: answered by counting, on scores small enough to check by hand."""

from typing import Any

from pipeline.evaluation.paired import Difference
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
    assert "lie apart in 1 of these 2" in answer
    assert "They overlap in: sts single-task (0.410 against 0.400)." in answer
    assert "has no interval" not in answer


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
    answer = told(finetune_claim(rows))
    assert "No: in 0 of 1" in answer
    assert "intervals" not in answer  # there is no win to qualify


def test_defined_score_beats_an_undefined_one_and_not_the_other_way(result: Any) -> None:
    rows = [
        result("sts", "multi-task", "pretrain", None),
        result("sts", "multi-task", "finetune", 0.1),
    ]
    answer = told(finetune_claim(rows))
    assert "Yes: in 1 of 1" in answer
    assert "lie apart in 0 of these 1" in answer
    assert "has no interval in: sts multi-task (0.100 against undefined)" in answer
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
    assert "in 1 of 2." in answer
    assert "- sst: 0.490 against 0.500 (-0.010; the intervals overlap)" in answer
    assert "- sts: 0.400 against 0.500 (-0.100; the intervals lie apart)" in answer


def test_undefined_multitask_score_does_not_hold_up(result: Any) -> None:
    rows = [
        result("sts", "single-task", "pretrain", 0.2),
        result("sts", "multi-task", "pretrain", None),
    ]
    assert "No: as good" in told(multitask_claim(rows, "pretrain"))


def test_multitask_that_is_better_everywhere_is_a_yes(result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.50),
        result("sst", "multi-task", "finetune", 0.60),
        result("sts", "single-task", "finetune", None),
        result("sts", "multi-task", "finetune", 0.10),
    ]
    answer = told(multitask_claim(rows, "finetune"))
    assert "Yes: as good" in answer
    assert "in 2 of 2." in answer


def test_list_of_corpora_is_set_off_as_markdown_wants_it(result: Any) -> None:
    rows = [result("sst", scheme, "finetune", 0.5) for scheme in ("single-task", "multi-task")]
    assert ":\n\n- sst" in told(multitask_claim(rows, "finetune"))


def test_score_without_an_interval_is_said_to_have_none(result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.50),
        result("sst", "multi-task", "finetune", 0.60, ci_low=None, ci_high=None),
    ]
    assert "(+0.100; the intervals are not both known)" in told(multitask_claim(rows, "finetune"))


def test_two_configurations_of_one_kind_are_both_compared(result: Any) -> None:
    rows = [
        result("sst", "single-task", "pretrain", 0.30),
        result("sst", "single-task", "finetune", 0.20),
        result("sst", "single-task", "finetune", 0.50, configuration="another-rate"),
    ]
    assert "No: in 1 of 2" in told(finetune_claim(rows))


def test_nothing_is_claimed_without_pairs(result: Any) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    assert told(finetune_claim(rows)) == ""
    assert told(multitask_claim(rows, "finetune")) == ""


def test_intervals_that_touch_overlap(result: Any) -> None:
    one = result("sst", "single-task", "finetune", 0.4, ci_low=0.3, ci_high=0.5)
    touching = result("sst", "multi-task", "finetune", 0.6, ci_low=0.5, ci_high=0.7)
    apart = result("sst", "multi-task", "finetune", 0.6, ci_low=0.51, ci_high=0.7)
    assert overlap(one, touching) is True
    assert overlap(touching, one) is True
    assert overlap(one, apart) is False
    assert overlap(apart, one) is False
    assert overlap(one, result("sst", "multi-task", "finetune", None)) is None


def test_a_difference_on_the_same_examples_is_told_and_decides(result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.50),
        result("sst", "multi-task", "finetune", 0.49, over_single=DIFFERENCES["worse"]),
        result("quora", "single-task", "finetune", 0.50),
        result("quora", "multi-task", "finetune", 0.49, over_single=DIFFERENCES["alike"]),
        result("sts", "single-task", "finetune", 0.50),
        result("sts", "multi-task", "finetune", 0.51, over_single=DIFFERENCES["better"]),
    ]
    answer = told(multitask_claim(rows, "finetune"))
    assert "In part: as good or better, or not shown to be worse, in 2 of 3." in answer
    assert "- sst: 0.490 against 0.500 (-0.010 [-0.015, -0.005], p = 0.010: worse)" in answer
    assert "[-0.020, +0.010], p = 0.300: no difference is shown)" in answer
    assert "[+0.002, +0.020], p = 0.040: better)" in answer


DIFFERENCES = {
    "worse": Difference(-0.01, -0.015, -0.005, 0.01),
    "alike": Difference(-0.01, -0.02, 0.01, 0.3),
    "better": Difference(0.01, 0.002, 0.02, 0.04),
}
