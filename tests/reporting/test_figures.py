"""Figures in cases that no committed record has: undefined scores, an odd number of corpora."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from pipeline.core.tasks import CORPORA
from pipeline.reporting import figures
from pipeline.reporting.drawing import COLORS
from pipeline.reporting.figures import learning_curves, scores_beside_paper
from pipeline.reporting.results import EpochScore, Outcome
from tests.reporting.conftest import PARAMS, result_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def outcome() -> Outcome:
    """Return an outcome with one undefined row, whose second epoch is undefined."""
    scores = enumerate([0.1, None, 0.3], start=1)
    epochs = [EpochScore(epoch, "sts", score, 1, "") for epoch, score in scores]
    row = result_of("sts", "single-task", "pretrain", None)
    return Outcome([row], {}, {"sts-pretrain": epochs}, {}, {})


def texts_of(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]


def test_every_corpus_has_a_panel_even_if_their_number_is_odd(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifth = replace(CORPORA["cfimdb"], title="A fifth")
    monkeypatch.setattr(figures, "CORPORA", {**CORPORA, "fifth": fifth})
    texts = texts_of(learning_curves(PARAMS, outcome, "head"))
    assert texts.count("epoch") == 1 + len(CORPORA)
    assert {"CFIMDB", "A fifth"} <= set(texts)


def test_an_undefined_epoch_leaves_a_gap(outcome: Outcome) -> None:
    root = ET.fromstring(learning_curves(PARAMS, outcome, "head"))
    curves = [
        path.get("d", "")
        for path in root.iter(f"{SVG}path")
        if COLORS["pretrain"].lower() in path.get("style", "").lower()
        and "stroke-dasharray" not in path.get("style", "")
    ]
    # an SVG "M" for each unbroken part: epoch 1, and epoch 3 after the gap
    assert any(curve.count("M") == 2 and "L" not in curve for curve in curves)


def test_an_undefined_score_shows_its_reason(outcome: Outcome) -> None:
    assert "undefined: constant predictions" in texts_of(scores_beside_paper(outcome, "head"))
