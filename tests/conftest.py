"""What tests of more than one folder share."""

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

from pipeline.backbone import BACKBONES, fetch_backbone
from pipeline.files import sha256_of

MINILM = "all-MiniLM-L6-v2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minbert-pipeline"

# Property tests try the same examples in every run, so that what fails for one fails for all.
# To look for new ones: python -m pytest --hypothesis-profile=search
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=50
)
settings.register_profile(
    "search", settings.get_profile("repeatable"), derandomize=False, max_examples=1000
)
settings.register_profile(  # for CONTRIBUTING's check with mutants: whether it fails is enough
    "mutants", settings.get_profile("repeatable"), max_examples=25, phases=[Phase.generate]
)
settings.load_profile("repeatable")
set_hypothesis_home_dir(CACHE / "hypothesis")  # its tables of characters; nothing of a run


@pytest.fixture(scope="session")
def minilm_dir() -> Path:
    """Return a folder with all-MiniLM-L6-v2, fetched once and kept in the user's cache."""
    directory = CACHE / "tests" / MINILM
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
