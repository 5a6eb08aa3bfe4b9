"""`python -m pipeline export`: the folder, the line that names it, and --force."""

from pathlib import Path

import pytest

from pipeline.cli import main


def test_a_foreign_folder_is_not_changed_without_force(
    served_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(served_dir)
    (tmp_path / "README.md").write_text("mine")
    assert main(["export", "--run", "sst-pretrain", str(tmp_path)]) == 1
    assert "holds what no export has written (README.md)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert main(["export", "--force", "--run", "sst-pretrain", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert output == f"sst-pretrain is in {tmp_path}; the README.md there says how to load it\n"
    assert (tmp_path / "README.md").read_text() != "mine"
    assert (tmp_path / "model.safetensors").is_file()
