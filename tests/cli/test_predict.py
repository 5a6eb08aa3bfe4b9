"""`python -m pipeline predict`: from texts to answers, and from mistakes to one sentence."""

import io
import json
from pathlib import Path

import pytest

from pipeline.cli import main

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def stand_in_it(served_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served_dir)


def predict(*arguments: str, run: str = "multitask-finetune") -> int:
    return main(["predict", "--run", run, *arguments])


def test_a_sentence_is_answered_in_a_table_on_request(capsys: Said) -> None:
    assert predict("--table", "A gorgeous film.", "A dull film.") == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["line", "text", "sst"]
    assert first.split()[:4] == ["1", "A", "gorgeous", "film."]
    assert second.split()[:1] == ["2"]


def test_a_pair_is_answered_by_every_head_that_reads_pairs_or_the_one_asked(capsys: Said) -> None:
    pair = ("--pair", "A man eats.", "A man has a meal.")
    assert predict(*pair) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert answers.keys() == {"quora", "sts"}
    assert answers["quora"]["probabilities"].keys() == {"no paraphrase", "paraphrase"}
    assert predict("--corpus", "sts", *pair) == 0
    assert json.loads(capsys.readouterr().out)["answers"].keys() == {"sts"}


def test_a_file_is_answered_into_a_file_in_its_order(tmp_path: Path, capsys: Said) -> None:
    texts, out = tmp_path / "texts.txt", tmp_path / "answers.jsonl"
    texts.write_text("a long long long film\n\na film\n")
    assert predict("--input", str(texts), "--output", str(out)) == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["line"], one["first"]) for one in answers] == [
        (1, "a long long long film"),
        (3, "a film"),
    ]
    assert capsys.readouterr().out == ""


def test_standard_input_is_answered(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a film\nanother\n")))
    assert predict("-", run="sst-pretrain") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_was_left_out_or_cut_or_generated_is_said_once(
    tmp_path: Path, capsys: Said, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "texts.txt"
    path.write_text(f"\n{'very ' * 600} long\n\n{'so ' * 600} long\n")
    assert predict("--input", str(path)) == 0
    assert [record.getMessage() for record in caplog.records] == [
        "2 lines without text or with half of a pair are left out: line 1, 3",
        "multitask-finetune was trained on generated corpora: its answers on real text mean "
        "nothing",
        "2 sentences or joint pairs had more than 512 tokens and were cut at the end",
    ]


@pytest.mark.parametrize("form", ["--json", "--table"])
def test_every_row_of_a_tab_separated_file_is_answered_and_its_marks_are_said(
    form: str, tmp_path: Path, capsys: Said, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "texts.tsv"
    path.write_text('id\tsentence\na\t"A film.\nb\tAnother.\nc\tA third."\nd\tThe last.\n')
    assert predict("--input", str(path), form, run="sst-pretrain") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4 + (form == "--table")
    said = "quotation marks are taken for text: line 2 has one that encloses no field"
    assert caplog.messages[0] == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pair", "a", "b", "--corpus", "sst"], "reads single sentences (sst), not pairs"),
        (["--corpus", "cfimdb", "a"], "was not trained on 'cfimdb'; it knows: sst, quora, sts"),
        (["--input", "nowhere.txt"], "nowhere.txt cannot be read: No such file or directory"),
        (["--input", "data"], "data cannot be read: Is a directory"),
        (
            ["--input", "text.docx"],
            "text.docx does not end in txt, csv, tsv, jsonl; give the format with",
        ),
        ([" "], "the command line has no text"),
        (["a\udcff"], "the command line, line 1: not UTF-8 text"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments: list[str], said: str, capsys: Said) -> None:
    assert predict(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_an_unknown_run_is_told_before_anything_is_read(capsys: Said) -> None:
    assert predict("--input", "nowhere.txt", run="sst") == 1
    assert "unknown run 'sst'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a", "--input", "b.txt"], ["a", "--pair", "b", "c"]])
def test_texts_come_from_one_place(arguments: list[str], capsys: Said) -> None:
    with pytest.raises(SystemExit, match="2"):
        predict(*arguments)
    assert "give texts, or --pair, or --input" in capsys.readouterr().err


def test_a_mistake_leaves_no_answers(tmp_path: Path, capsys: Said) -> None:
    texts, out = tmp_path / "texts.txt", tmp_path / "out" / "answers.jsonl"
    texts.write_bytes(b"a\n\xff\n")
    assert predict("--input", str(texts), "--output", str(out)) == 1
    assert not out.parent.exists()
