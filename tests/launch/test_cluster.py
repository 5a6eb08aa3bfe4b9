"""ClusterWorkers over a real dask scheduler and workers, in processes of their own.

Stages are shell commands in a repository that all of them share. A worker that is killed in the
middle of a training: tests/end_to_end/test_launch.py.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import pytest

from tests.launch.conftest import ShellRepository, wait_until_registered

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

New = Callable[[str], ShellRepository]

GRAPH = """
stages:
  words:
    cmd: echo words >>ran; echo words >words
    outs: [words]
  train:
    foreach: [a, b, c]
    do:
      cmd: >-
        echo ${item} >>ran;
        test ! -e break-${item} || { echo it broke >&2; exit 3; };
        while test ! -e quick; do sleep 0.1 || exit; done;
        cat words >model-${item}
      deps: [words]
      outs: ['model-${item}']
"""


class Cluster:
    """A scheduler and workers on this machine alone."""

    def __init__(self, repository: ShellRepository, workers: Iterable[Iterable[str]]) -> None:
        self.repository = repository
        self.file = repository.folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0")
        repository.wait_for(self.file.exists)
        self.workers = [self._start("worker", *given) for given in workers]
        wait_until_registered(self.workers)
        self.address = str(json.loads(self.file.read_text())["address"])

    def start_launch(self) -> "subprocess.Popen[str]":
        """Begin a launch on this cluster."""
        program = (sys.executable, "-m", "pipeline", "repro", "--scheduler", self.address)
        return self.repository.start(*program)

    def wait_for_ran(self, count: int) -> None:
        """Wait until so many stages have begun."""
        ran = self.repository.folder / "ran"
        self.repository.wait_for(lambda: ran.exists() and len(self.repository.ran()) >= count)

    def close(self) -> None:
        """Leave nothing behind."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.communicate()

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        program = (sys.executable, "-m", "dask", *arguments, "--no-dashboard")
        place = ("--host", "127.0.0.1", "--scheduler-file", str(self.file))
        return self.repository.start(*program, *place)


@pytest.fixture
def cluster(shell_repository: New) -> Iterator[Cluster]:
    """Lend two workers, of three threads each, that work in a repository."""
    workers = [("--nthreads", "3", "--no-nanny")] * 2
    with closing(Cluster(shell_repository(GRAPH), workers)) as found:
        yield found


def test_failures_and_ctrl_c_are_as_on_one_machine(cluster: Cluster) -> None:
    repository = cluster.repository
    (repository.folder / "break-b").touch()
    launch = cluster.start_launch()
    cluster.wait_for_ran(4)
    launch.send_signal(signal.SIGINT)
    told, _ = launch.communicate()
    assert launch.returncode == 130, told
    assert "Traceback" not in told

    (repository.folder / "quick").touch()
    again = cluster.start_launch()
    told, _ = again.communicate()
    assert again.returncode == 1
    assert "train@b failed: it broke" in told
    assert "Traceback" not in told
    assert (repository.folder / "model-a").exists()


def test_a_lost_scheduler_ends_the_launch_in_a_sentence(cluster: Cluster) -> None:
    launch = cluster.start_launch()
    cluster.wait_for_ran(4)
    cluster.scheduler.kill()
    told, _ = launch.communicate()
    assert launch.returncode == 1
    assert f"the scheduler at {cluster.address} is lost" in told
    assert "Traceback" not in told


def test_no_scheduler_and_no_workers_are_told(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    program = (sys.executable, "-m", "pipeline", "repro", "--scheduler")
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        done = repository.run(*program, address)
        assert done.returncode == 1
        assert f"no scheduler answers at {address}" in done.stderr
        assert "Traceback" not in done.stderr


STAGE = """\
from pathlib import Path
from stages.entry import run_stage
import torch

def main(argv: list[str]) -> None:
    Path("threads").write_text(str(torch.get_num_threads()))

run_stage(main)
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stage_has_the_threads_that_its_worker_was_given_whatever_dasks_nanny_says(
    threads: int, shell_repository: New
) -> None:
    repository = shell_repository(
        "stages: {train: {cmd: python stage.py, deps: [stage.py], outs: [threads]}}"
    )
    (repository.folder / "stage.py").write_text(STAGE)
    repository.environment["OMP_NUM_THREADS"] = str(threads)
    repository.environment["MKL_DYNAMIC"] = "FALSE"  # else no more than the machine has cores
    with closing(Cluster(repository, [("--nthreads", "1", "--nanny")])) as cluster:
        launch = cluster.start_launch()
        told, _ = launch.communicate()
    assert launch.returncode == 0, told
    assert (repository.folder / "threads").read_text() == str(threads)
    said = (repository.folder / ".logs/train.log").read_text()
    assert f"  train, {threads} thread{'s' * (threads > 1)}\n" in said
