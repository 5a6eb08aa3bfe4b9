"""Joint and separate in turns: the ratio is of turns side by side, and the page follows it."""

from contextlib import chdir
from pathlib import Path

import pytest

from benchmarks import encodings
from benchmarks.encodings import Turns, page, ratio
from pipeline.plumbing.params import load_params

SLOWING_DOWN: Turns = {"joint": [1.1, 2.2, 5.0], "separate": [1.0, 2.0, 4.0]}


def test_the_ratio_compares_turns_that_stand_side_by_side() -> None:
    assert ratio(SLOWING_DOWN) == pytest.approx(1.1)


def test_the_page_has_a_row_for_each_corpus() -> None:
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    text = page(params, {"sts": SLOWING_DOWN}, steps=7)
    assert "seconds of 7 finetune steps" in text
    assert "| sts    |     2.20 |        2.00 |             1.10 |" in text


def test_both_corpora_are_measured_with_real_trainers(
    served_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.results.REPORTS", tmp_path)
    with chdir(served_dir):
        encodings.main(["--rounds", "2", "--steps", "2"])
    text = (tmp_path / "encodings.md").read_text()
    assert "| quora" in text
    assert "| sts" in text
