"""The sentences about the experiment on idle heads follow its numbers."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipeline.core.tasks import CorpusName, IdleHeads, PairEncoding
from pipeline.errors import ReportError
from pipeline.reporting.dead_heads import (
    Condition,
    HeadsRun,
    Turns,
    Vectors,
    read_dead_heads,
    sentiment_sentences,
    similarity_sentences,
)


def run_of(
    idle_heads: IdleHeads,
    encoding: PairEncoding = "joint",
    *,
    dead: bool,
    sst: float = 0.2,
    vectors: Vectors = "bert-like",
    turns: Turns = "paper",
) -> HeadsRun:
    scores: dict[CorpusName, list[float | None]] = {
        "sst": [0.3, sst],
        "quora": [0.7, 0.7],
        "sts": [0.2, None if dead else 0.1],
    }
    condition = Condition(turns, vectors, idle_heads, encoding)
    return HeadsRun(condition, 1, scores, [0.0, 1.0 if dead else 0.9])


def runs_of(step_dead: int, skip_dead: int) -> list[HeadsRun]:
    """Make two runs that step idle heads and two that skip them, with some dead heads."""
    return [
        run_of(idle_heads, encoding, dead=place < dead)
        for idle_heads, dead in (("step", step_dead), ("skip", skip_dead))
        for place, encoding in enumerate(("joint", "separate"))
    ]


CONTROLS = [
    run_of("step", dead=False, vectors="control"),
    run_of("step", dead=False, vectors="minilm"),
    run_of("step", dead=False, turns="ours"),
]


@pytest.mark.parametrize(
    ("runs", "expected", "unsaid"),
    [
        (runs_of(0, 0), ["here, stepping them kills no head"], "after every epoch"),
        (runs_of(2, 2), ["most heads also die if idle heads are skipped"], "all three"),
        ([*runs_of(1, 0), *runs_of(0, 0)], ["kills some heads but not most"], "all three"),
        (
            [*runs_of(2, 0), replace(run_of("step", dead=True), zeros=[1.0, 1.0])],
            ["1 of the 3 heads are dead after every epoch"],
            "all three",
        ),
        (
            [*runs_of(2, 0), run_of("step", dead=True, vectors="control"), *CONTROLS[1:]],
            [],
            "all three",
        ),
    ],
)
def test_the_verdict_on_dead_heads_depends_on_their_number(
    runs: list[HeadsRun], expected: list[str], unsaid: str
) -> None:
    text = " ".join(similarity_sentences(runs))
    assert [each for each in expected if each not in text] == []
    assert unsaid not in text


@pytest.mark.parametrize(
    ("step", "verdict"),
    [(0.1, "lowers the score"), (0.301, "do not differ significantly"), (0.5, "raises the score")],
)
def test_the_verdict_on_sentiment_depends_on_its_scores(step: float, verdict: str) -> None:
    runs = [
        run_of(idle_heads, dead=False, sst=score + noise)
        for idle_heads, score in (("step", step), ("skip", 0.3))
        for noise in (-0.01, 0.0, 0.01)
    ]
    (text,) = sentiment_sentences(runs)
    assert f"SST ends at {step:.3f} ± 0.010" in text
    assert verdict in text
    assert "paper: 0.256" in text


def test_a_damaged_or_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dead-heads.json"
    path.write_text(json.dumps({"runs": [asdict(CONTROLS[0]) | {"zeros": [0.5]}]}))
    with pytest.raises(ReportError, match=r"dead-heads\.json is damaged"):
        read_dead_heads(path)
    with pytest.raises(ReportError, match=r"is missing; get it from git"):
        read_dead_heads(tmp_path / "none.json")
