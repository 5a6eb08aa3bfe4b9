"""Answers for the dev set's texts equal the predictions of `evaluate`, to the last digit."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.evaluation.course_format import read_predictions
from pipeline.plumbing.params import load_params
from pipeline.serving.answers import Answers, answer, answers_table, json_lines
from pipeline.serving.texts import Text, read_texts
from pipeline.serving.trained import open_run
from tests.conftest import SERVED_RUNS


@pytest.fixture(autouse=True)
def _in_served_dir(served_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served_dir)


@pytest.mark.parametrize("name", SERVED_RUNS)
def test_dev_texts_get_the_same_predictions_as_in_evaluate(name: str) -> None:
    params = load_params()
    run = open_run(params, name)
    for corpus in run.corpora:
        path = paths.split_csv(paths.corpus_dir(corpus), "dev")
        with path.open("rb") as file:
            texts = read_texts(file, str(path), "csv").texts
        (answers,), _ = answer(run, [corpus], texts, params.tokens.max_length, batch_size=8)
        ids, values = read_predictions(paths.predictions_csv(name, corpus, "dev"), CORPORA[corpus])
        assert [text.id for text in texts] == ids
        assert [answers.as_json(i)["prediction"] for i in range(len(ids))] == values
        assert len(set(values)) > 1, "constant predictions would show nothing"


def test_a_joint_pair_is_cut_as_a_whole_and_counted_once() -> None:
    run = open_run(load_params(), "multitask-finetune")
    short, long = "one two three", "one two three four five"
    (quora, sts), cut = answer(run, ["quora", "sts"], [Text(1, long, long)], 10, 8)
    assert cut == 1
    (same, _), none = answer(run, ["quora", "sts"], [Text(1, short, short)], 10, 8)
    assert none == 0
    assert quora.as_json(0) == same.as_json(0)
    assert sts.as_json(0).keys() == {"prediction"}


def test_an_answer_names_the_class_and_how_probable_it_is() -> None:
    answers = Answers(CORPORA["quora"], np.array([1.0, np.nan]), np.array([[0.25, 0.75]] * 2))
    assert answers.as_json(0) == {
        "prediction": 1,
        "meaning": "paraphrase",
        "probability": 0.75,
        "probabilities": {"no paraphrase": 0.25, "paraphrase": 0.75},
    }
    assert answers.brief(0) == "paraphrase 0.75"
    assert answers.as_json(1) == {"prediction": None}
    assert answers.brief(1) == "undefined"
    similar = Answers(CORPORA["sts"], np.array([3.5, 6.25]), None)
    assert similar.brief(0) == "similarity 3.50"
    assert similar.brief(1) == "similarity 6.25"  # outside the range of labels


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
def test_a_table_fits_the_terminal_and_no_text_moves_its_cursor(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    table = answers_table(TEXTS, ANSWERS, is_pairs=True, has_header=True)
    Console(width=width).print(table)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(TEXTS)
    assert all(len(line) <= width and line.isprintable() for line in lines)
    assert "very ver" in lines[1]
    answers = ("quora", "no paraphrase 0.75", "paraphrase 0.50")
    assert len({line.index(each) for line, each in zip(lines, answers, strict=True)}) == 1
    assert lines[1].rstrip().endswith("similarity 4.25")
    assert lines[2].rstrip().endswith("undefined")
