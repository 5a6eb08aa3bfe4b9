"""Learning curves: one panel a corpus, a gap where a score is undefined, the same bytes twice."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pipeline.core.tasks import CORPORA
from pipeline.plumbing.params import load_params
from pipeline.reporting import figures
from pipeline.reporting.drawing import COLOURS
from pipeline.reporting.figures import data_histograms, learning_curves, scores_beside_paper
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
    return Outcome(rows, {}, histories, {}, {})


def texts_of(svg: str) -> set[str]:
    root = ET.fromstring(svg)
    return {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}


def test_every_corpus_has_a_panel_though_their_number_is_odd(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifth = replace(CORPORA["cfimdb"], title="A fifth")
    monkeypatch.setattr(figures, "CORPORA", {**CORPORA, "fifth": fifth})
    root = ET.fromstring(learning_curves(PARAMS, outcome, "head"))
    texts = ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]
    assert texts.count("epoch") == 1 + len(CORPORA)
    assert {"CFIMDB", "A fifth"} <= set(texts)


def test_long_head_is_broken_into_lines_that_fit(outcome: Outcome) -> None:
    parts = [f"part {number} of a head that names much" for number in range(6)]
    texts = texts_of(learning_curves(PARAMS, outcome, " · ".join(parts)))
    lines = [text for text in texts if "of a head" in text]
    assert len(lines) == 2
    assert max(map(len, lines)) <= 110  # nine inches of font size 9


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


def test_scores_stand_beside_the_papers_and_an_undefined_one_says_why(result: Any) -> None:
    rows = [
        result("sts", "single-task", "pretrain", None),
        result("sst", "multi-task", "finetune", 0.5),
    ]
    texts = texts_of(scores_beside_paper(Outcome(rows, {}, {}, {}, {}), "head"))
    assert {"sts  single-task  pretrain", "sst  multi-task  finetune", "paper"} <= texts
    assert "undefined: constant predictions" in texts


def test_histograms_show_shares_of_each_split_and_split_without_labels() -> None:
    found = {
        "length_counts": {"train": {"3": 3, "12": 1}, "dev": {"4": 1}, "test": {}},
        "label_balance": {"train": {"0": 3, "1": 1}, "dev": {"0": 1, "1": 0}, "test": {}},
    }
    svg = data_histograms({"quora": found}, "head")
    assert {"Quora", "share of sentences", "train", "dev", "test"} <= texts_of(svg)
    root = ET.fromstring(svg)
    bars = [g for g in root.iter(f"{SVG}path") if "fill: #0072b2" in g.get("style", "")]
    assert len(bars) == 2  # of the training split: one for each label
    tops = [float(re.findall(r"L [\d.]+ ([\d.]+)", bar.get("d", ""))[1]) for bar in bars]
    base = max(float(re.findall(r"M [\d.]+ ([\d.]+)", bar.get("d", ""))[0]) for bar in bars)
    assert (base - tops[0]) / (base - tops[1]) == pytest.approx(3, rel=1e-3)
