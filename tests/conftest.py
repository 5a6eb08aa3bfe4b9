"""Fixtures for the tests of several folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.data.backbone import BACKBONES, fetch_backbone

if TYPE_CHECKING:
    from tests.torture.repository import Repository

MINILM = "all-MiniLM-L6-v2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minbert-pipeline"

# Property tests try the same examples in every run, so that failures can be reproduced.
# To look for new examples: python -m pytest --hypothesis-profile=search
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=50
)
settings.register_profile(
    "search", settings.get_profile("repeatable"), derandomize=False, max_examples=1000
)
settings.register_profile(  # for mutation tests (CONTRIBUTING.md), which only need a failure
    "mutants", settings.get_profile("repeatable"), max_examples=25, phases=[Phase.generate]
)
settings.load_profile("repeatable")
set_hypothesis_home_dir(CACHE / "hypothesis")  # for its tables of characters


LONGEST = (  # files by processor time; those below 20 seconds are in any order
    "end_to_end/test_repro.py",
    "docs/test_commands.py",
    "end_to_end/test_bad_input.py",
    "end_to_end/test_launch.py",
    "torture/test_disturbances.py",
    "torture/test_kills.py",
    "end_to_end/test_own_data.py",
    "end_to_end/test_remotes.py",
    "end_to_end/test_reruns.py",
)


@pytest.hookimpl(optionalhook=True)  # the tests also run without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores, because some tests wait; at most eight."""
    return min(8, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files, so that none of them runs alone at the end."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    marked = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks) + (item.path not in marked)))


@pytest.fixture(scope="session")
def minilm_dir() -> Path:
    """Return a folder with all-MiniLM-L6-v2, which is fetched once and kept in the user's cache."""
    directory = CACHE / "tests" / MINILM
    files = {directory / pin.name: pin.sha256 for pin in BACKBONES[MINILM].pins}
    if not all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in files.items()):
        fetch_backbone(MINILM, directory)
    return directory


@pytest.fixture(scope="session")
def tiny_backbone_dir(minilm_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backbone with 1 M random weights and MiniLM's tokenizer, for quick real runs."""
    from tests.torture.backbone import write_tiny_backbone

    folder = tmp_path_factory.mktemp("tiny-backbone")
    write_tiny_backbone(folder, minilm_dir)
    return folder


def made_once(name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """Return a folder that one worker makes for all of them; it is to be read only."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, made = shared / name, shared / f"{name}.made"
    with FileLock(shared / f"{name}.lock"):
        if not made.exists():
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def finished_dir(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small repository in which all is up to date."""
    from tests.torture.repository import small_repository

    def make(folder: Path) -> None:
        small = small_repository(folder, tiny_backbone_dir)
        small.keep("sst-pretrain", "multitask-finetune")
        small.set(checkpoints__every_steps=1)
        small.make()

    return made_once("finished", make, tmp_path_factory)


@pytest.fixture(scope="module")
def repository(finished_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> "Repository":
    """Return a copy of the finished repository, one for each test file."""
    from tests.torture.repository import Repository

    folder = tmp_path_factory.mktemp("copy") / "repository"
    shutil.copytree(finished_dir, folder, symlinks=True)
    return Repository(folder)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into an empty folder, which is no experiment's copy of a repository."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MINBERT_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def three_files(here: Path) -> Path:
    """Go into a folder that has params.yaml, trials.yaml and dvc.yaml, and nothing else."""
    for name in (paths.PARAMS, paths.TRIALS, paths.DVC_YAML):
        shutil.copy(Path(__file__).parents[1] / name, here)
    return here


SERVED_RUNS = ("sst-finetune", "sst-pretrain", "multitask-finetune", "multitask-pretrain")


@pytest.fixture(scope="session")
def served_dir(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small repository with four runs whose predictions differ."""
    from tests.torture.repository import small_repository

    def make(folder: Path) -> None:
        lively = _livelier(tiny_backbone_dir, folder.with_name("lively"))
        small = small_repository(folder, lively, {"pretrain": 2, "finetune": 2})
        runs = small.params()["runs"]
        small.keep(*SERVED_RUNS)
        small.set(
            device="cpu",
            profiles__demo__learning_rate_scale={"pretrain": 30.0, "finetune": 100.0},
            evaluation__batch_size=8,
        )
        small.done("dvc", "config", "cache.type", "copy")  # so that copies can be damaged
        small.make()
        small.set(runs=runs)  # a benchmark trains others

    return made_once("served", make, tmp_path_factory)


def _livelier(backbone: Path, folder: Path) -> Path:
    """Copy a backbone with larger weights: new ones give nearly the same output for all texts."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(backbone, folder)
    tensors = load_file(backbone / "model.safetensors")
    save_file({name: 10 * tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
    return folder
