"""A small repository that is ready to train, made once."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.torture.repository import Repository, small_repository

NewRepository = Callable[[Mapping[str, int], int], Repository]


@pytest.fixture(scope="session")
def new_repository(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path
) -> NewRepository:
    """Return a maker of repositories in which everything up to the trainings is done.

    It takes the epochs of each mode, and the steps between two checkpoints.
    """
    first = small_repository(tmp_path_factory.mktemp("ready"), tiny_backbone_dir)
    first.make(until="inputs")

    def new(epochs: Mapping[str, int], every_steps: int) -> Repository:
        folder = tmp_path_factory.mktemp("copy") / "repository"
        shutil.copytree(first.folder, folder)
        copy = Repository(folder)
        copy.set(profiles__demo__epochs=dict(epochs), checkpoints__every_steps=every_steps)
        return copy

    return new
