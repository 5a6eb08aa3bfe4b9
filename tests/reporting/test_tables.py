"""Table 3: bold rule, undefined scores, JSON keys, and caveats exactly where they hold."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.params import Params, load_params
from pipeline.reporting.results import EpochScore, Outcome, RunSummary
from pipeline.reporting.tables import (
    KEYS,
    notes,
    page_head,
    shown_rate,
    summary,
    table3,
    table3_json,
    table3_page,
)

ROOT = Path(__file__).parents[2]
EPOCHS = [(1, None), (2, 0.7), (3, 0.7)]


@pytest.fixture
def params() -> Params:
    return load_params(ROOT / "params.yaml")


def with_profile(params: Params, name: str, **changes: Any) -> Params:
    profile = params.profiles[name].model_copy(update=changes)
    profiles = {**params.profiles, name: profile}
    return params.model_copy(update={"profile": name, "profiles": profiles})


def outcome(rows: list[Any], notes: Mapping[Any, list[str]] | None = None) -> Outcome:
    runs = {row.run for row in rows}
    return Outcome(
        results=rows,
        summaries={run: RunSummary("cpu", 3, 1, None, 1e-5, {}, {}, 1, {}, {}, "") for run in runs},
        histories={
            run: [EpochScore(epoch, "sts", score, 1, "") for epoch, score in EPOCHS] for run in runs
        },
        validations={corpus: {"notes": told} for corpus, told in (notes or {}).items()},
        texts={},
    )


def test_best_score_of_each_corpus_is_bold_in_both_columns(params: Params, result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.5, paper_score=0.53),
        result("sst", "multi-task", "finetune", 0.4, paper_score=0.542),
        result("sts", "single-task", "finetune", 0.2, paper_score=0.852),
    ]
    lines = table3(params, rows).splitlines()[2:]
    assert "**0.500** [0.480, 0.520]" in lines[0]
    assert "| 0.530" in lines[0]
    assert "| 0.400 [" in lines[1]
    assert "**0.542**" in lines[1]
    assert "**0.200**" in lines[2]
    assert lines[0].rstrip("| ").endswith("-0.030")


def test_equally_good_scores_are_both_bold(params: Params, result: Any) -> None:
    schemes = ("single-task", "multi-task")
    rows = [result("sst", scheme, "finetune", float("0.5")) for scheme in schemes]
    assert table3(params, rows).count("**0.500** [") == 2


def test_undefined_score_is_told_and_has_no_difference(params: Params, result: Any) -> None:
    line = table3(params, [result("sts", "multi-task", "pretrain", None)]).splitlines()[2]
    assert "undefined: constant predictions" in line
    assert line.rstrip("| ").endswith("–")


def test_row_without_a_paper_score_shows_a_dash(params: Params, result: Any) -> None:
    line = table3(params, [result("sst", "single-task", "finetune", 0.5, paper_score=None)])
    assert re.search(r"\| –\s+\|\s+– \|$", line.splitlines()[2])


def test_json_has_the_promised_keys_and_a_reason_only_where_undefined(result: Any) -> None:
    defined, undefined = table3_json(
        [
            result("sst", "single-task", "finetune", 0.5),
            result("sts", "multi-task", "pretrain", None),
        ]
    )
    assert list(defined) == list(KEYS)
    assert undefined["score"] is None
    assert undefined["reason"] == "undefined: constant predictions"
    assert list(undefined) == [*KEYS, "reason"]


def test_summary_averages_by_hand(result: Any) -> None:
    rows = [
        result("sst", "single-task", "pretrain", 0.2),
        result("sst", "single-task", "finetune", 0.6),
        result("sst", "multi-task", "finetune", 0.4),
    ]
    assert summary(rows) == {
        "finetune": 0.5,
        "pretrain": 0.2,
        "multitask": 0.4,
        "finetune_wins": 1,
        "multitask_holds": 0,
    }


def test_mean_over_an_undefined_score_is_left_out(result: Any) -> None:
    rows = [
        result("sst", "single-task", "pretrain", 0.2),
        result("sts", "single-task", "pretrain", None),
        result("sts", "single-task", "finetune", 0.6),
    ]
    assert summary(rows) == {"finetune": 0.6, "finetune_wins": 1, "multitask_holds": 0}


def test_head_names_profile_backbone_corpora_seed_device_and_epochs(
    params: Params, result: Any
) -> None:
    head = page_head(params, outcome([result("sst", "single-task", "finetune", 0.5)]))
    for part in ("demo", "all-MiniLM-L6-v2", "synthetic", "11711", "cpu", "10 pretrain"):
        assert part in head


@pytest.mark.parametrize(
    ("profile", "changes", "said", "holds"),
    [
        ("laptop", {}, "favoured", True),
        ("paper", {}, "favoured", False),
        ("paper", {}, "The paper's backbone is", False),
        ("laptop", {}, "The paper's backbone is", True),
        ("laptop", {}, "The paper trains 10 epochs", False),
        ("demo", {}, "The paper trains 10 epochs", True),
        ("demo", {}, "multiplies the learning rate of finetune runs by 10", True),
        ("demo", {}, "multiplies the learning rate of pretrain runs", False),
        ("laptop", {}, "multiplies the learning rate", False),
        ("paper", {}, "backbone", False),
        ("laptop", {"backbone": "local:mine"}, "the one here is local:mine", True),
        ("laptop", {"backbone": "local:mine"}, "favoured", False),
        ("paper", {}, "chosen by the dev set", True),
        ("paper", {}, "would score sst 0.260;", True),
        ("paper", {}, "Table 2 of the paper prints its fifth row", True),
    ],
)
def test_caveats_stand_where_they_hold(
    params: Params, result: Any, profile: str, changes: dict[str, Any], said: str, holds: bool
) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    text = "\n".join(notes(with_profile(params, profile, **changes), outcome(rows)))
    assert (said in text) == holds


def test_one_note_names_the_readings_of_the_runs_that_have_one(params: Params, result: Any) -> None:
    def noted(*rows: Any) -> list[str]:
        return [note for note in notes(params, outcome(list(rows))) if "readings.md" in note]

    single = result("sst", "single-task", "finetune", 0.5)
    assert noted(single) == []
    (note,) = noted(single, result("sts", "single-task", "finetune", 0.5))
    assert "The runs here have `joint`; why," in note
    (note,) = noted(result("sts", "multi-task", "finetune", 0.5))
    assert "The runs here have `joint`, `step`; why," in note


def test_note_on_the_carved_split_is_carried_over(params: Params, result: Any) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    told = outcome(rows, {"quora": ["Quora: train and dev are carved"]})
    assert "Quora: train and dev are carved" in list(notes(params, told))


def test_note_that_corpora_share_is_told_once_under_all_names(params: Params, result: Any) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    told = list(notes(params, outcome(rows, {"sst": ["made up"], "sts": ["made up", "short"]})))
    assert told[:2] == ["sst, sts: made up", "sts: short"]


def test_majority_class_is_not_spoken_of_where_no_corpus_has_classes(
    params: Params, result: Any
) -> None:
    rows = [result("sts", "single-task", "finetune", 0.5, majority_class=None)]
    assert "commonest class" not in "\n".join(notes(params, outcome(rows)))


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(1e-5, "1e-5"), (1e-5 * 10.0, "1e-4"), (1.5e-5, "1.5e-5"), (3e-5 * 3, "9e-5"), (1.0, "1e0")],
)
def test_rate_is_shown_in_full_and_as_in_the_paper(rate: float, shown: str) -> None:
    assert shown_rate(rate) == shown


def test_multitask_that_holds_up_is_counted(result: Any) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.5),
        result("sst", "multi-task", "finetune", 0.49),
        result("sts", "single-task", "finetune", 0.5),
        result("sts", "multi-task", "finetune", 0.3),
        result("sts", "single-task", "pretrain", 0.5),
        result("sts", "multi-task", "pretrain", 0.3),
    ]
    assert summary(rows)["multitask_holds"] == 1


def test_a_papers_score_outside_our_interval_is_marked_if_the_two_compare(
    params: Params, result: Any
) -> None:
    rows = [
        result("sst", "single-task", "finetune", 0.5, paper_score=0.51),
        result("sts", "single-task", "finetune", 0.5, paper_score=0.6),
    ]
    paper = table3_page(with_profile(params, "paper"), outcome(rows))
    deltas = [line.split("|")[-2].strip() for line in paper.splitlines() if "[0.480" in line]
    assert deltas == ["-0.010", "-0.100 ‡"]
    assert "‡ The paper's score lies outside" in paper
    assert "‡" not in table3_page(params, outcome(rows))  # generated corpora


def test_a_warning_of_generated_corpora_stands_above_the_table(params: Params, result: Any) -> None:
    rows = [result("sst", "single-task", "finetune", 0.5)]
    page = table3_page(params, outcome(rows))
    assert page.index("generated corpora") < page.index("| Task")
    assert "generated corpora" not in table3_page(with_profile(params, "paper"), outcome(rows))


def test_multitask_runs_show_the_best_epoch_of_each_task(params: Params, result: Any) -> None:
    rows = [result("sts", "multi-task", "finetune", 0.7, best_epoch=3)]
    page = table3_page(params, outcome(rows))
    assert re.search(
        r"multitask-finetune \| sts\s+\| 0.700 \(epoch 3\) \| 0.700 \(epoch 2\)\s+\| 0.500", page
    )
    single = [result("sts", "single-task", "finetune", 0.7)]
    assert "best epoch of each task" not in table3_page(params, outcome(single))
