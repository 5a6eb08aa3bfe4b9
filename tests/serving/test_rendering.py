"""Answers as lines: JSON that programs read, a table that a terminal takes."""

import json

import numpy as np
import pytest

from pipeline.serving.answers import Answers
from pipeline.serving.rendering import Table, json_lines
from pipeline.serving.texts import Text
from pipeline.tasks import CORPORA

TEXTS = [Text(3, "A film", "no \x1b[31mred\n" + "very " * 40, "x"), Text(4, "Another", "one")]
ANSWERS = [
    Answers(CORPORA["quora"], np.array([0.0, 1.0]), np.array([[0.75, 0.25], [0.5, 0.5]])),
    Answers(CORPORA["sts"], np.array([4.25, np.nan]), None),
]


def test_json_has_an_object_for_each_text() -> None:
    first, second = map(json.loads, json_lines(TEXTS, ANSWERS))
    assert (first["line"], first["id"], first["second"]) == (3, "x", TEXTS[0].second)
    assert first["answers"]["quora"]["probability"] == 0.75
    assert second["answers"]["sts"] == {"prediction": None}
    assert "id" not in second


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_table_fits_the_terminal(width: int) -> None:
    table = Table(ANSWERS, is_pairs=True, width=width)
    lines = [table.header(), *table.rows(TEXTS, ANSWERS)]
    assert all(len(line) <= width for line in lines)
    assert (
        len(
            {
                line.index(told)
                for line, told in zip(
                    lines, ("quora", "no paraphrase 0.75", "paraphrase 0.50"), strict=True
                )
            }
        )
        == 1
    )
    assert lines[1].endswith("similarity 4.25")
    assert lines[2].endswith("undefined")


def test_a_text_moves_no_cursor() -> None:
    table = Table(ANSWERS, is_pairs=True, width=20)
    shown = "\n".join(table.rows(TEXTS, ANSWERS))
    assert shown.isprintable() or shown.replace("\n", "").isprintable()
    assert shown.count("\n") == 1
