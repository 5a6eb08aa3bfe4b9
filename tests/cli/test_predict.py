"""`python -m pipeline predict`: predictions for texts, and one sentence for mistakes."""

import io
import json
from pathlib import Path

import pytest

from pipeline.cli import main

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_served_dir(served_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served_dir)


def predict(*arguments: str, run: str = "multitask-finetune") -> int:
    return main(["predict", "--run", run, *arguments])


def test_a_sentence_gets_a_table_on_request(capsys: Said) -> None:
    assert predict("--table", "A gorgeous film.", "A dull film.") == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["line", "text", "sst"]
    assert first.split()[:4] == ["1", "A", "gorgeous", "film."]
    assert second.split()[:1] == ["2"]


def test_every_pair_head_or_the_requested_one_predicts_a_pair(capsys: Said) -> None:
    pair = ("--pair", "A man eats.", "A man has a meal.")
    assert predict(*pair) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert answers.keys() == {"quora", "sts"}
    assert answers["quora"]["probabilities"].keys() == {"no paraphrase", "paraphrase"}
    assert predict("--corpus", "sts", *pair) == 0
    assert json.loads(capsys.readouterr().out)["answers"].keys() == {"sts"}


def test_predictions_for_a_file_are_written_in_its_order(tmp_path: Path, capsys: Said) -> None:
    texts, out = tmp_path / "texts.txt", tmp_path / "answers.jsonl"
    texts.write_text("a long long long film\n\na film\n")
    assert predict("--input", str(texts), "--output", str(out)) == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["line"], one["first"]) for one in answers] == [
        (1, "a long long long film"),
        (3, "a film"),
    ]
    assert capsys.readouterr().out == ""


def test_texts_can_come_from_standard_input(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a film\nanother\n")))
    assert predict("-", run="sst-pretrain") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_assumptions_omissions_and_cuts_are_reported_once(
    tmp_path: Path, capsys: Said, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "texts.tsv"
    texts = ("sentence", '"A film.', "very " * 600, 'A third."', " ", "so " * 600)
    path.write_text("".join(f"id\t{text}\n" for text in texts))
    assert predict("--input", str(path)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert caplog.messages == [
        "quotation marks count as text: in line 2, one does not enclose a field",
        "1 left out, because text is missing: line 5",
        "multitask-finetune was trained on generated corpora: its answers on real text mean "
        "nothing",
        "2 sentences or joint pairs had more than 512 tokens and were cut at the end",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pair", "a", "b", "--corpus", "sst"], "reads single sentences (sst), not pairs"),
        (["--corpus", "cfimdb", "a"], "was not trained on 'cfimdb'; it knows: sst, quora, sts"),
        (["--input", "nowhere.txt"], "nowhere.txt cannot be read: No such file or directory"),
        (["--input", "data"], "data cannot be read: Is a directory"),
        (
            ["--input", "text.docx"],
            "text.docx does not end in txt, csv, tsv, jsonl",
        ),
        ([" "], "the command line has no text"),
        (["a\udcff"], "the command line, line 1: not UTF-8 text"),
    ],
)
def test_a_mistake_gives_one_sentence(arguments: list[str], message: str, capsys: Said) -> None:
    assert predict(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_an_unknown_run_is_reported_before_anything_is_read(capsys: Said) -> None:
    assert predict("--input", "nowhere.txt", run="sst") == 1
    assert "unknown run 'sst'" in capsys.readouterr().err


def test_a_mistake_leaves_no_output_file(tmp_path: Path, capsys: Said) -> None:
    texts, out = tmp_path / "texts.txt", tmp_path / "out" / "answers.jsonl"
    texts.write_bytes(b"a\n\xff\n")
    assert predict("--input", str(texts), "--output", str(out)) == 1
    assert not out.parent.exists()
