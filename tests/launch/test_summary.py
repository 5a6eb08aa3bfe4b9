"""A plan in words: counts, times and reasons, for made-up stages."""

import io
from collections.abc import Mapping, Sequence

import pytest
from rich.console import Console

from pipeline.launch.plan import Outcome, PlannedStage, Reason
from pipeline.launch.summary import as_table, summary

RATE = Reason("param", "runs.sst-finetune.learning_rate", "changed", 1e-05, 2e-05)
BEFORE = Reason("stage", "train@sst-finetune", "runs before")
STAGES = [
    PlannedStage("corpora", Outcome.UP_TO_DATE, []),
    PlannedStage("tokens@sst", Outcome.RUN_CACHE, [Reason("out", "data/tokens/sst", "missing")]),
    PlannedStage("train@sst-finetune", Outcome.RUN, [RATE], frozenset({"tokens@sst", "backbone"})),
    PlannedStage("evaluate@sst-finetune", Outcome.RUN, [RATE, BEFORE]),
    PlannedStage("report", Outcome.DEPENDS, [BEFORE]),
]
LAST = {"train@sst-finetune": 125.0, "evaluate@sst-finetune": 5.0, "report": 2.25, "corpora": 9.0}


def as_text(stages: Sequence[PlannedStage], last: Mapping[str, float]) -> list[str]:
    """Return the lines of a table that is a hundred columns wide."""
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(as_table(stages, last))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


NEW = [PlannedStage(name, Outcome.RUN, [RATE]) for name in "abc"]


@pytest.mark.parametrize(
    ("stages", "last", "said"),
    [
        (
            STAGES,
            LAST,
            "5 stages: 1 up to date, 1 from the run cache, 2 would run, 1 depends on them; "
            "about 2 min 10 s, at most 2 min 12 s",
        ),
        (STAGES[:1], LAST, "1 stage, all up to date"),
        (NEW, {}, "3 stages: 3 would run; none of them timed yet"),
        (NEW, {"a": 40.0}, "3 stages: 3 would run; about 40 s and 2 that were never timed"),
    ],
)
def test_counts_and_times_are_in_one_line(
    stages: list[PlannedStage], last: dict[str, float], said: str
) -> None:
    assert summary(stages, last) == said


def test_a_lock_file_from_before_rooms_is_explained() -> None:
    reasons = [Reason("dep", "pipeline/core", "new"), Reason("dep", "pipeline/data", "new")]
    first, second = summary([PlannedStage("tokens@sst", Outcome.RUN, reasons)], {}).splitlines()
    assert first == "1 stage: 1 would run; none of them timed yet"
    assert "every stage runs once" in second


def test_each_stage_has_its_outcome_last_duration_and_reasons() -> None:
    both = PlannedStage("evaluate@sst-finetune", Outcome.DEPENDS, [RATE, BEFORE])
    assert as_text([*STAGES[:1], *STAGES, both], LAST) == [
        "up to date  corpora                     9.0 s",
        "up to date  corpora                     9.0 s",
        "run cache   tokens@sst                         data/tokens/sst missing",
        "would run   train@sst-finetune     2 min 05 s  "
        "runs.sst-finetune.learning_rate: 1e-05 -> 2e-05",
        "would run   evaluate@sst-finetune       5.0 s  the same",
        "depends     report                      2.2 s  on train@sst-finetune",
        "depends     evaluate@sst-finetune       5.0 s  on train@sst-finetune;",
        f"{'':47}runs.sst-finetune.learning_rate: 1e-05 -> 2e-05",
    ]


def test_many_and_long_reasons_fit_into_a_hundred_columns() -> None:
    reasons = [Reason("dep", f"pipeline/{letter * 30}.py", "changed") for letter in "abcdef"]
    long = Reason("param", "profiles.laptop", "changed", {"a": "x" * 200}, None)
    stages = [PlannedStage("evaluate@multitask-finetune", Outcome.RUN, [long, *reasons])]
    lines = as_text(stages, {})
    assert all(len(line) <= 100 for line in lines)
    assert lines[-1].endswith("4 more")


def test_a_name_of_eighty_characters_hides_nothing() -> None:
    stage = PlannedStage(
        f"train@{'a' * 80}", Outcome.RUN, [Reason("out", "data/runs/aaaaaa", "missing")]
    )
    text = "".join("".join(as_text([stage], {})).split())
    assert text.count("a") == 1 + 80 + 2 + 6
    assert "missing" in text
