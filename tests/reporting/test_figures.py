"""Learning curves: one panel a corpus, a gap where a score is undefined, the same bytes twice."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pipeline.params import load_params
from pipeline.reporting.figures import learning_curves
from pipeline.reporting.results import EpochScore, Outcome

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def outcome(result: Any) -> Outcome:
    rows = [
        result("sts", "single-task", "pretrain", 0.3, run="sts-pretrain"),
        result("sts", "single-task", "finetune", 0.3, run="sts-finetune"),
    ]
    epochs = [EpochScore(1, "sts", 0.1), EpochScore(2, "sts", None), EpochScore(3, "sts", 0.3)]
    histories = {"sts-pretrain": epochs, "sts-finetune": epochs[:1]}
    return Outcome("demo", rows, {}, histories, {})


def test_same_numbers_give_the_same_bytes(outcome: Outcome) -> None:
    assert learning_curves(PARAMS, outcome, "head") == learning_curves(PARAMS, outcome, "head")


def test_picture_is_readable_svg_with_text_as_text(outcome: Outcome) -> None:
    root = ET.fromstring(learning_curves(PARAMS, outcome, "profile demo"))
    texts = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    assert {"profile demo", "SemEval STS Benchmark", "CFIMDB", "epoch", "dev pearson"} <= texts
    assert {"single-task pretrain", "single-task finetune", "the paper's score"} <= texts


def test_undefined_epoch_leaves_a_gap(outcome: Outcome) -> None:
    root = ET.fromstring(learning_curves(PARAMS, outcome, "head"))
    curves = [
        path.get("d", "")
        for path in root.iter(f"{SVG}path")
        if "#e69f00" in path.get("style", "").lower()
        and "stroke-dasharray" not in path.get("style", "")
    ]
    # a moveto for each unbroken part: epoch 1, and epoch 3 after the gap
    assert any(curve.count("M") == 2 and "L" not in curve for curve in curves)
