"""`python -m pipeline export`: a folder, and a line that says where it is."""

from pathlib import Path

import pytest

from pipeline.cli import main


@pytest.fixture(autouse=True)
def stand_in_it(served_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served_dir)


def test_a_run_becomes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["export", "--run", "sst-pretrain", str(out)]) == 0
    said = capsys.readouterr().out
    assert said == f"sst-pretrain is in {out}; the README.md there says how to load it\n"
    assert (out / "model.safetensors").is_file()


def test_somebody_elses_folder_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert main(["export", "--run", "sst-pretrain", str(tmp_path)]) == 1
    assert "holds what no export has written (README.md)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert main(["export", "--force", "--run", "sst-pretrain", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() != "mine"
