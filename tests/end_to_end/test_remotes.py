"""One clone of a repository gets the results of another through git and a DVC remote.

The remotes are a directory and an S3-compatible server. docs/team.md describes what is tested here.
"""

import shutil
from collections.abc import Iterator
from contextlib import chdir
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from stages import train
from tests.torture.repository import ROOT, Repository

RUN = "sst-pretrain"
GATE = str(ROOT / ".ci/gate")
BEHIND = "dvc.lock is behind: run `make repro` and commit dvc.lock and reports/\n"
NO_SECRET = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


@pytest.fixture(scope="module")
def ours(repository: Repository) -> Repository:
    """Return a repository whose results are committed and pushed."""
    small, folder = repository, repository.folder.parent
    small.done("dvc", "remote", "add", "--default", "store", str(folder / "store"))
    small.done("git", "checkout", "-qb", "main")
    small.done("git", "add", "--all")
    small.done("git", "commit", "-qm", "All of it")
    small.done("git", "init", "-q", "--bare", "-b", "main", str(folder / "origin.git"))
    small.done("git", "remote", "add", "origin", str(folder / "origin.git"))
    small.done("git", "push", "-q", "origin", "main")
    small.done("dvc", "push", "--run-cache")
    return small


@pytest.fixture(scope="module")
def theirs(ours: Repository) -> Repository:
    """Return a clone that has pulled from the directory."""
    clone = clone_of(ours, "theirs")
    clone.done("dvc", "pull")
    return clone


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Start an S3-compatible server with one bucket, `team`; return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    with urlopen(Request(f"{address}/team", method="PUT"), timeout=30):  # noqa: S310
        pass
    yield address
    server.stop()


@pytest.fixture(scope="module")
def from_s3(ours: Repository, s3: str) -> Repository:
    """Return a clone that has pulled from the server."""
    clone = clone_of(ours, "from-s3")
    for repository in (ours, clone):
        repository.environment |= NO_SECRET
    ours.done("dvc", "remote", "add", "--local", "cloud", "s3://team/minbert")
    ours.done("dvc", "remote", "modify", "--local", "cloud", "endpointurl", s3)
    shutil.copy(ours.folder / ".dvc/config.local", clone.folder / ".dvc")
    ours.done("dvc", "push", "--remote", "cloud")
    clone.done("dvc", "pull", "--remote", "cloud")
    return clone


@pytest.fixture(scope="module")
def experiment(ours: Repository, theirs: Repository, from_s3: Repository) -> str:
    """Run an experiment in our repository, after the clones were made, and push it."""
    faster(ours)
    with chdir(ours.folder):
        train.main(RUN)
    ours.done("dvc", "commit", "--force", f"train@{RUN}")
    ours.done("dvc", "exp", "save", "--name", "faster")
    ours.done("dvc", "exp", "push", "--run-cache", "origin", "faster")
    return "faster"


def faster(repository: Repository) -> None:
    repository.set(**{f"runs__{RUN.replace('-', '_dash_')}__learning_rate": 0.002})


def clone_of(ours: Repository, name: str) -> Repository:
    folder = ours.folder.parent / name
    ours.done("git", "clone", "-q", str(ours.folder.parent / "origin.git"), str(folder))
    return Repository(folder)


def done(repository: Repository, *command: str) -> str:
    """Run a command that must succeed; return its output."""
    ended = repository.run(*command)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def test_a_clone_without_data_passes_the_gate_until_code_changes(ours: Repository) -> None:
    clone = clone_of(ours, "without-data")
    assert clone.hashes("reports") == ours.hashes("reports")
    assert "agrees with the code" in clone.done(GATE)
    assert not (clone.folder / "data").exists()
    for name in ("training/loop.py", "data/synthetic.py"):  # before data there would be, after
        with (clone.folder / "pipeline" / name).open("a") as file:
            file.write("\n# a comment\n")
        ended = clone.run(GATE)
        assert (ended.returncode, ended.stdout.endswith(BEHIND)) == (1, True)


@pytest.mark.parametrize("name", ["theirs", "from_s3"])
def test_a_clone_that_pulls_has_every_byte_and_nothing_left_to_run(
    ours: Repository, name: str, request: pytest.FixtureRequest
) -> None:
    clone: Repository = request.getfixturevalue(name)
    assert clone.hashes("data", "reports") == ours.hashes("data", "reports")
    ran, output = clone.repro()
    assert ran == set()
    assert output.endswith("Data and pipelines are up to date.\n")
    assert clone.done("git", "status", "--porcelain") == ""


def test_results_of_another_clone_come_from_the_run_cache(
    ours: Repository, theirs: Repository, experiment: str
) -> None:
    faster(theirs)
    ran, output = theirs.repro("--pull", f"train@{RUN}")
    assert ran == set()
    assert f"Stage 'train@{RUN}' is cached - skipping run" in output
    assert theirs.hashes(f"data/runs/{RUN}") == ours.hashes(f"data/runs/{RUN}")


def test_a_pushed_experiment_is_applied_in_another_clone_without_training(
    ours: Repository, from_s3: Repository, experiment: str
) -> None:
    from_s3.done("dvc", "exp", "pull", "origin", experiment)
    from_s3.done("dvc", "exp", "apply", experiment)
    assert from_s3.params()["runs"][RUN]["learning_rate"] == 0.002
    assert from_s3.hashes(f"data/runs/{RUN}") == ours.hashes(f"data/runs/{RUN}")
    assert from_s3.repro(f"train@{RUN}")[0] == set()
