"""Stage backbone: the profile's backbone arrives where the other stages look for it."""

import shutil
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.data.backbone import BACKBONES
from pipeline.plumbing.params import load_params
from tests.stages.conftest import ROOT, run_command


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


def test_the_command_copies_the_users_own_backbone(own: Path, tmp_path: Path) -> None:
    done = run_command("backbone", tmp_path)
    assert done.returncode == 0, done.stderr
    copied = {path.name: path.read_bytes() for path in (tmp_path / paths.BACKBONE).iterdir()}
    assert copied == {path.name: path.read_bytes() for path in own.iterdir()}


def test_the_command_takes_the_pinned_backbone_whole_from_a_mirror(
    tmp_path: Path, minilm_dir: Path
) -> None:
    (tmp_path / paths.PARAMS).write_bytes((ROOT / paths.PARAMS).read_bytes())
    done = run_command("backbone", tmp_path, MINBERT_MIRROR=str(minilm_dir))
    assert done.returncode == 0, done.stderr
    pins = BACKBONES[load_params(ROOT / paths.PARAMS).active.backbone].pins
    copied = {path.name: sha256_of(path) for path in (tmp_path / paths.BACKBONE).iterdir()}
    assert copied == {pin.name: pin.sha256 for pin in pins}
    said = done.stderr.splitlines()
    assert len(said) == len(pins)
    assert all(line.endswith(f"from mirror {minilm_dir}") for line in said)


def test_the_command_ends_with_status_1_and_one_line_on_a_backbone_that_lacks_a_file(
    own: Path, tmp_path: Path
) -> None:
    (own / "model.safetensors").unlink()
    done = run_command("backbone", tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "backbone local:own lacks model.safetensors; the directory must hold" in line
    assert list((tmp_path / paths.DATA).iterdir()) == []
