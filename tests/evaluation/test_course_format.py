"""Predictions are written byte for byte as by the course's scripts."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.errors import CorpusError
from pipeline.evaluation.course_format import read_predictions, write_predictions

IDS = ["25ca3f6b", "a , b"]


@pytest.mark.parametrize(
    ("corpus", "values", "lines"),
    [
        ("sst", [4, 0], ["id \t Predicted_Sentiment ", "25ca3f6b , 4 ", "a , b , 0 "]),
        ("cfimdb", [1.0, 0.0], ["id \t Predicted_Sentiment ", "25ca3f6b , 1 ", "a , b , 0 "]),
        ("quora", [1, 0], ["id \t Predicted_Is_Paraphrase ", "25ca3f6b , 1 ", "a , b , 0 "]),
        ("sts", [2.5, 0.0], ["id \t Predicted_Similiary ", "25ca3f6b , 2.5 ", "a , b , 0.0 "]),
        ("sst", [], ["id \t Predicted_Sentiment "]),
    ],
)
def test_a_file_matches_one_written_by_hand(
    corpus: CorpusName, values: list[float], lines: list[str], tmp_path: Path
) -> None:
    path, ids = tmp_path / "predictions" / f"{corpus}-dev.csv", IDS[: len(values)]
    write_predictions(path, ids, np.array(values), CORPORA[corpus])
    assert path.read_bytes() == "".join(f"{line}\n" for line in lines).encode()
    assert read_predictions(path, CORPORA[corpus]) == (ids, values)


def test_similarities_have_at_most_six_decimals_and_may_be_nan(tmp_path: Path) -> None:
    similarities = np.array([3.14159265, np.nan], dtype=np.float32)
    write_predictions(tmp_path / "p", IDS, list(similarities), CORPORA["sts"])
    _, found = read_predictions(tmp_path / "p", CORPORA["sts"])
    assert found == pytest.approx([3.141593, np.nan], abs=0, nan_ok=True)


def test_a_fractional_class_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"quora must be a whole number, not 0\.5"):
        write_predictions(tmp_path / "p", IDS, [1, 0.5], CORPORA["quora"])
    with pytest.raises(ValueError, match="shorter"):
        write_predictions(tmp_path / "p", IDS, [1], CORPORA["quora"])
    assert list(tmp_path.iterdir()) == []


HEAD = "id \t Predicted_Sentiment \n"


@pytest.mark.parametrize(
    ("content", "message"),
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
def test_a_file_in_a_different_format_is_rejected_with_the_line(
    content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "sst-dev.csv"
    path.write_text(content)
    with pytest.raises(CorpusError, match=f"sst-dev.csv {message}"):
        read_predictions(path, CORPORA["sst"])


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"sst-dev\.csv is missing; evaluate the run first"):
        read_predictions(tmp_path / "sst-dev.csv", CORPORA["sst"])
