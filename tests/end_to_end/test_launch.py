"""Several stages of the real graph at once: killed and begun again, they end in the same bytes.

Of the small repository only a slice of the runs is computed serially first; these are forgotten and
come again from a launch.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest
from ruamel.yaml import YAML

from torture.repository import Repository, small_repository

RUNS = ("sst-finetune", "multitask-finetune", "sts-pretrain")
CHECKPOINTS = ".checkpoints/multitask-finetune-*/training.safetensors"

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path
) -> Iterator[Repository]:
    """Return a repository of three runs, in which everything is up to date."""
    small = small_repository(tmp_path_factory.mktemp("repository"), tiny_backbone_dir)
    params = small.params()
    small.set(
        runs={name: params["runs"][name] for name in RUNS},
        configurations={
            name: row for name, row in params["configurations"].items() if row["run"] in RUNS
        },
        checkpoints__every_steps=1,
    )
    assert small.run(sys.executable, "-m", "checks.graph").returncode == 0
    small.repro()
    return small


def outcome(repository: Repository) -> tuple[object, dict[str, str]]:
    """Return all that a launch must leave: what dvc.lock says in any order, and every file."""
    locked = YAML(typ="safe").load(repository.folder / "dvc.lock")
    return locked, repository.hashes("data/runs", "data/scores", "data/predictions", "reports")


def test_killed_and_begun_again_it_ends_in_the_bytes_of_a_serial_run(
    repository: Repository,
) -> None:
    before = outcome(repository)
    for run in RUNS:
        repository.forget_run(run)
    command = (sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    launch = subprocess.Popen(
        command, cwd=repository.folder, env=repository.environment, stdout=DEVNULL, stderr=DEVNULL
    )
    while not list(repository.folder.glob(CHECKPOINTS)):
        assert launch.poll() is None
    launch.send_signal(signal.SIGKILL)
    launch.wait()

    again = repository.run(*command)
    assert again.returncode == 0, again.stderr
    assert "`dvc repro` agrees" in again.stdout
    log = (repository.folder / ".logs/train@multitask-finetune.log").read_text()
    assert "goes on after epoch" in log or "trained to its end already" in log
    assert outcome(repository) == before
