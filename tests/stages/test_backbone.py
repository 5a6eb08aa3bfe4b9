"""Stage backbone: the profile's backbone arrives where the other stages look for it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.data.backbone import BACKBONES
from pipeline.plumbing.params import load_params
from stages.backbone import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own(tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder whose params.yaml names a backbone of the user's own."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / paths.PARAMS).read_text(encoding="utf-8")
    assert text.count("backbone: all-MiniLM-L6-v2 #") == 1
    paths.PARAMS.write_text(
        text.replace("backbone: all-MiniLM-L6-v2 #", "backbone: local:own #"), encoding="utf-8"
    )
    folder = tmp_path / "own"
    shutil.copytree(tiny_backbone_dir, folder)
    return folder


def test_an_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bert-base-uncased"])
    assert "unrecognized arguments: bert-base-uncased" in capsys.readouterr().err


def run_command(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the stage as DVC does, in a folder of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "MINBERT_MIRROR"}
    return subprocess.run(
        [sys.executable, "-m", "stages.backbone"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_copies_the_users_own_backbone(own: Path, tmp_path: Path) -> None:
    done = run_command(tmp_path)
    assert done.returncode == 0, done.stderr
    copied = {path.name: path.read_bytes() for path in (tmp_path / paths.BACKBONE).iterdir()}
    assert copied == {path.name: path.read_bytes() for path in own.iterdir()}


def test_the_command_takes_the_pinned_backbone_whole_from_a_mirror(
    tmp_path: Path, minilm_dir: Path
) -> None:
    (tmp_path / paths.PARAMS).write_bytes((ROOT / paths.PARAMS).read_bytes())
    done = run_command(tmp_path, MINBERT_MIRROR=str(minilm_dir))
    assert done.returncode == 0, done.stderr
    pins = BACKBONES[load_params(ROOT / paths.PARAMS).active.backbone].pins
    copied = {path.name: sha256_of(path) for path in (tmp_path / paths.BACKBONE).iterdir()}
    assert copied == {pin.name: pin.sha256 for pin in pins}
    said = done.stderr.splitlines()
    assert len(said) == len(pins)
    assert all(line.endswith(f"from mirror {minilm_dir}") for line in said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", r"config\.json from mirror \S*mirror is not the pinned file: its sha256 is"),
        (None, r"MINBERT_MIRROR names '\S*mirror', which is not a directory; name an existing one"),
    ],
    ids=["another file", "no directory"],
)
def test_the_command_ends_with_status_1_and_one_line_on_a_bad_mirror(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    (tmp_path / paths.PARAMS).write_bytes((ROOT / paths.PARAMS).read_bytes())
    mirror = tmp_path / "mirror"
    if content is not None:
        mirror.mkdir()
        (mirror / "config.json").write_bytes(content)
    done = run_command(tmp_path, MINBERT_MIRROR=str(mirror))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.search(said, line)
    assert list(tmp_path.glob("data/*")) == []


def test_the_command_ends_with_status_1_and_one_line_on_a_backbone_that_lacks_a_file(
    own: Path, tmp_path: Path
) -> None:
    (own / "model.safetensors").unlink()
    done = run_command(tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "backbone local:own lacks model.safetensors; the directory must hold" in line
    assert list((tmp_path / paths.DATA).iterdir()) == []
