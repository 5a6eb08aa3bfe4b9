"""What tests of more than one folder share."""

import os
from pathlib import Path

import pytest

from pipeline.backbone import BACKBONES, fetch_backbone
from pipeline.files import sha256_of

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="session")
def minilm_dir() -> Path:
    """Return a folder with all-MiniLM-L6-v2, fetched once and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "minbert-pipeline" / "tests" / MINILM
    if not _is_whole(directory):
        fetch_backbone(MINILM, directory)
    return directory


def _is_whole(directory: Path) -> bool:
    """Say whether every pinned file is there with its hash."""
    files = {directory / pin.name: pin.sha256 for pin in BACKBONES[MINILM].pins}
    return all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in files.items())


@pytest.fixture(scope="session")
def tiny_backbone_dir(minilm_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backbone of 1 M random weights under MiniLM's tokenizer, for quick real runs."""
    from torture.backbone import write_tiny_backbone

    folder = tmp_path_factory.mktemp("tiny-backbone")
    write_tiny_backbone(folder, minilm_dir / "tokenizer.json")
    return folder
