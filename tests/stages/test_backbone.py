"""Stage backbone: the pinned files go where the other stages look for them."""

import logging
import shutil
from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.data.backbone import BACKBONES
from pipeline.plumbing.params import load_params
from stages.backbone import main
from tests.params import ROOT


def test_it_copies_the_pinned_backbone_from_a_mirror(
    tmp_path: Path,
    minilm_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copy(ROOT / paths.PARAMS, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINBERT_MIRROR", str(minilm_dir))
    caplog.set_level(logging.INFO, "pipeline")
    main([])
    pins = BACKBONES[load_params().active.backbone].pins
    assert {path.name: sha256_of(path) for path in paths.BACKBONE.iterdir()} == {
        pin.name: pin.sha256 for pin in pins
    }
    assert len(caplog.messages) == len(pins)
    assert all(line.endswith(f"from mirror {minilm_dir}") for line in caplog.messages)
