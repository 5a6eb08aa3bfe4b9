"""A mirror that holds another file or is no directory ends a stage in one line, without an out."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from pipeline.core import paths
from tests.stages.conftest import ROOT, run_command


@pytest.mark.parametrize(
    ("stage", "file", "said"),
    [
        (
            "backbone",
            "config.json",
            r"config\.json from mirror \S*mirror is not the pinned file: its sha256 is",
        ),
        (
            "corpora",
            "ids-sst-train.csv",
            r"ids-sst-train\.csv from mirror \S*mirror is not .* file: .* expected 03b2b625c",
        ),
        ("corpora", None, r"MINBERT_MIRROR names '\S*mirror', which is not a directory; name an"),
    ],
    ids=["another backbone", "another corpus", "no directory"],
)
def test_a_bad_mirror_is_one_line_and_status_1(
    tmp_path: Path, stage: str, file: str | None, said: str
) -> None:
    text = (ROOT / paths.PARAMS).read_text(encoding="utf-8")
    params = text.replace("profile: demo", "profile: laptop", 1)
    (tmp_path / paths.PARAMS).write_text(params, encoding="utf-8")
    mirror = tmp_path / "mirror"
    if file:
        mirror.mkdir()
        (mirror / file).write_bytes(b"{}")
    done = run_command(stage, tmp_path, MINBERT_MIRROR=str(mirror))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert re.search(said, line)
    assert list(tmp_path.glob("data/*")) == []


@pytest.mark.parametrize("stage", ["backbone", "corpora", "inputs", "report", "validate"])
def test_a_stage_without_arguments_refuses_one(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        import_module(f"stages.{stage}").main(["sst"])
    assert "unrecognized arguments: sst" in capsys.readouterr().err
