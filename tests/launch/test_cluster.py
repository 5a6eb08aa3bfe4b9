"""ClusterWorkers over a real dask scheduler and workers, in processes of their own.

Stages are shell commands in a repository that all of them share. A worker that is killed in the
middle of a training: tests/end_to_end/test_launch.py.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

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
    """A scheduler and two workers, of three threads each, on this machine alone."""

    def __init__(self, repository: ShellRepository) -> None:
        self.repository = repository
        self.file = repository.folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0")
        repository.wait_for(self.file.exists)
        self.workers = [self._start("worker", "--nthreads", "3", "--no-nanny") for _ in range(2)]
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

    def end(self) -> None:
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
    """Lend a cluster that works in a repository."""
    found = Cluster(shell_repository(GRAPH))
    yield found
    found.end()


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
