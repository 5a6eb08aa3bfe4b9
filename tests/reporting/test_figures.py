"""Learning curves: one panel a corpus, a gap where a score is undefined, the same bytes twice."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pipeline.params import load_params
from pipeline.reporting.figures import COLOURS, HEAD_WIDTH, learning_curves
from pipeline.reporting.results import EpochScore, Outcome

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def outcome(result: Any) -> Outcome:
    rows = [
        result("sts", "single-task", "pretrain", 0.3, run="sts-pretrain"),
        result("sts", "single-task", "finetune", 0.3, run="sts-finetune"),
    ]
    scores = [0.1, None, 0.3]
    epochs = [EpochScore(epoch, "sts", score, 1, "") for epoch, score in enumerate(scores, start=1)]
    histories = {"sts-pretrain": epochs, "sts-finetune": epochs[:1]}
    return Outcome(rows, {}, histories, {})


def texts_of(svg: str) -> set[str]:
    root = ET.fromstring(svg)
    return {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}


def test_same_numbers_give_the_same_bytes(outcome: Outcome) -> None:
    assert learning_curves(PARAMS, outcome, "head") == learning_curves(PARAMS, outcome, "head")


def test_picture_is_readable_svg_with_text_as_text(outcome: Outcome) -> None:
    texts = texts_of(learning_curves(PARAMS, outcome, "profile demo"))
    assert {"profile demo", "SemEval STS Benchmark", "CFIMDB", "epoch", "dev pearson"} <= texts
    assert {"single-task pretrain", "single-task finetune", "paper, single-task"} <= texts
    assert not any("multi-task" in text for text in texts)  # there is none to explain


def test_long_head_is_broken_into_lines_that_fit(outcome: Outcome) -> None:
    parts = [f"part {number} of a head that names much" for number in range(6)]
    texts = texts_of(learning_curves(PARAMS, outcome, " · ".join(parts)))
    lines = [text for text in texts if "of a head" in text]
    assert len(lines) == 2
    assert max(map(len, lines)) <= HEAD_WIDTH


def test_ticks_stay_few_when_epochs_are_many(outcome: Outcome) -> None:
    active = PARAMS.active.model_copy(
        update={"epochs": PARAMS.active.epochs.model_copy(update={"pretrain": 100})}
    )
    params = PARAMS.model_copy(update={"profiles": {PARAMS.profile: active}})
    root = ET.fromstring(learning_curves(params, outcome, "head"))
    ticks = [group for group in root.iter(f"{SVG}g") if group.get("id", "").startswith("xtick")]
    assert len(ticks) <= 4 * 12


def test_undefined_epoch_leaves_a_gap(outcome: Outcome) -> None:
    root = ET.fromstring(learning_curves(PARAMS, outcome, "head"))
    curves = [
        path.get("d", "")
        for path in root.iter(f"{SVG}path")
        if COLOURS["pretrain"].lower() in path.get("style", "").lower()
        and "stroke-dasharray" not in path.get("style", "")
    ]
    # a moveto for each unbroken part: epoch 1, and epoch 3 after the gap
    assert any(curve.count("M") == 2 and "L" not in curve for curve in curves)
