"""Predictions are written byte for byte as the course's own scripts write them."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.errors import CorpusError
from pipeline.evaluation.course_format import read_predictions, write_predictions

IDS = ["25ca3f6b", "a , b"]


@pytest.mark.parametrize(
    ("corpus", "values", "content"),
    [
        ("sst", [4, 0], "id \t Predicted_Sentiment \n25ca3f6b , 4 \na , b , 0 \n"),
        ("cfimdb", [1.0, 0.0], "id \t Predicted_Sentiment \n25ca3f6b , 1 \na , b , 0 \n"),
        ("quora", [1, 0], "id \t Predicted_Is_Paraphrase \n25ca3f6b , 1 \na , b , 0 \n"),
        ("sts", [2.5, 0.0], "id \t Predicted_Similiary \n25ca3f6b , 2.5 \na , b , 0.0 \n"),
    ],
)
def test_file_by_hand(
    corpus: CorpusName, values: list[float], content: str, tmp_path: Path
) -> None:
    path = tmp_path / "predictions" / f"{corpus}-dev.csv"
    write_predictions(path, IDS, values, CORPORA[corpus])
    assert path.read_bytes() == content.encode()
    assert read_predictions(path, CORPORA[corpus]) == (IDS, values)


def test_similarities_have_six_decimals_at_most(tmp_path: Path) -> None:
    similarities = np.array([3.14159265, 1 / 3], dtype=np.float32)
    write_predictions(tmp_path / "p", IDS, list(similarities), CORPORA["sts"])
    lines = (tmp_path / "p").read_text().splitlines()
    assert lines[1:] == ["25ca3f6b , 3.141593 ", "a , b , 0.333333 "]


def test_whole_numbers_of_numpy_look_like_any_others(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", IDS, list(np.array([3, 1])), CORPORA["sst"])
    assert (tmp_path / "p").read_text().splitlines()[1] == "25ca3f6b , 3 "


def test_similarities_that_are_not_finite_are_written_as_they_are(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", IDS, [float("nan"), 1.0], CORPORA["sts"])
    _, found = read_predictions(tmp_path / "p", CORPORA["sts"])
    assert np.isnan(found[0])
    assert found[1] == 1.0


def test_no_examples_give_the_first_line_alone(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p", [], [], CORPORA["sst"])
    assert (tmp_path / "p").read_bytes() == b"id \t Predicted_Sentiment \n"
    assert read_predictions(tmp_path / "p", CORPORA["sst"]) == ([], [])


def test_a_class_that_is_no_whole_number_is_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"quora must be a whole number, not 0\.5"):
        write_predictions(tmp_path / "p", IDS, [1, 0.5], CORPORA["quora"])
    with pytest.raises(ValueError, match="shorter"):
        write_predictions(tmp_path / "p", IDS, [1], CORPORA["quora"])
    assert list(tmp_path.iterdir()) == []


HEAD = "id \t Predicted_Sentiment \n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1 must be .*Predicted_Sentiment .*, not ''"),
        ("id \t Predicted_Similiary \n", "line 1 must be .*, not .*Predicted_Similiary"),
        (HEAD.replace(" \n", "\n"), "line 1 must be"),
        (HEAD + "a , 1 \nb , \n", "line 3 must be '<id> , <number> ' .*, not 'b , '"),
        (HEAD + "a , 1 \nb , one \n", "line 3 must be .*, not 'b , one '"),
        (HEAD + "a,1 \n", "line 2 must be .*, not 'a,1 '"),
        (HEAD + "a , 1\n", "line 2 must be .* with a blank at its end"),
        (HEAD + " , 1 \n", "line 2 must be"),
        (HEAD + "a , 1 \nb , 1", "breaks off in line 3"),
    ],
)
def test_a_file_in_another_format_is_refused_by_its_line(
    content: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "sst-dev.csv"
    path.write_text(content)
    with pytest.raises(CorpusError, match=f"sst-dev.csv {said}"):
        read_predictions(path, CORPORA["sst"])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"sst-dev\.csv is missing; evaluate the run first"):
        read_predictions(tmp_path / "sst-dev.csv", CORPORA["sst"])
