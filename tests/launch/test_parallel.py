"""`python -m pipeline repro --jobs N` under real DVC, over stages that are shell commands."""

import signal
import sys
from collections.abc import Callable

import pytest

from tests.launch.conftest import ShellRepository

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
        cat words >model-${item}
      deps: [words]
      outs: ['model-${item}']
  evaluate:
    foreach: [a, b, c]
    do:
      cmd: echo score-${item} >>ran; cat model-${item} >score-${item}
      deps: ['model-${item}']
      outs: ['score-${item}']
  report:
    cmd: echo report >>ran; cat score-a score-b score-c >report
    deps: [score-a, score-b, score-c]
    outs: [report]
"""
MANY = """
stages:
  train:
    foreach: [{names}]
    do:
      cmd: >-
        echo ${{item}} >>ran;
        while test ! -e go; do sleep 0.1 || exit; done;
        echo ${{item}} >model-${{item}}
      outs: ['model-${{item}}']
"""
# lets stages end while it holds DVC's lock, for longer than DVC waits for it by itself
HOLDER = """
import time
from pathlib import Path
from dvc.repo import Repo
Repo(".", _wait_for_lock=True).lock.lock()
Path("go").touch()
time.sleep(5)
"""
SLOW = """
stages:
  train:
    foreach: [a, b]
    do:
      cmd: >-
        trap 'echo kept-${item} >>ran; exit 130' INT;
        echo began-${item} >>ran;
        sleep 600 & wait $!;
        echo ${item} >model-${item}
      outs: ['model-${item}']
"""


def test_a_failure_stops_only_what_hangs_on_it(shell_repository: New) -> None:
    repository = shell_repository(GRAPH)
    (repository.folder / "break-b").touch()
    done = repository.launch(jobs=2)
    assert done.returncode == 1
    assert "train@b failed: it broke (.logs/train@b.log has more)" in done.stderr
    assert "not run, since they depend on it: evaluate@b, report" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(repository.ran()) == ["a", "b", "c", "score-a", "score-c", "words"]

    (repository.folder / "break-b").unlink()
    again = repository.launch(jobs=2)
    assert again.returncode == 0, again.stderr
    assert repository.ran()[6:] == ["b", "score-b", "report"]
    assert "`dvc repro` agrees: 8 stages, all up to date" in again.stdout
    assert "up to date" in repository.run("dvc", "status").stdout


def test_thirty_at_once_lose_nothing_to_a_lock_that_is_held(shell_repository: New) -> None:
    names = [f"r{number}" for number in range(30)]
    repository = shell_repository(MANY.format(names=", ".join(names)))
    launch = repository.start(sys.executable, "-m", "pipeline", "repro", "--jobs", "30")
    repository.wait_for(lambda: (repository.folder / "ran").exists())
    holder = repository.run(sys.executable, "-c", HOLDER)
    assert holder.returncode == 0, holder.stderr
    told, _ = launch.communicate()
    assert launch.returncode == 0, told
    assert sorted(repository.ran()) == sorted(names)
    assert "`dvc repro` agrees: 30 stages" in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_lets_stages_keep_what_they_did(number: int, shell_repository: New) -> None:
    repository = shell_repository(SLOW)
    launch = repository.start(sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    repository.wait_for(lambda: (repository.folder / "ran").exists() and len(repository.ran()) == 2)
    launch.send_signal(number)
    told, _ = launch.communicate()
    assert launch.returncode == 128 + number
    assert "goes on from there" in told
    assert "Traceback" not in told
    assert sorted(repository.ran()) == ["began-a", "began-b", "kept-a", "kept-b"]


def test_a_wrong_number_of_jobs_is_refused(shell_repository: New) -> None:
    repository = shell_repository(SLOW)
    done = repository.run(sys.executable, "-m", "pipeline", "repro", "--jobs", "none")
    assert done.returncode == 2
    assert "'none' is no number of stages" in done.stderr


def test_a_second_launch_is_refused(shell_repository: New) -> None:
    repository = shell_repository(SLOW)
    launch = repository.start(sys.executable, "-m", "pipeline", "repro", "--jobs", "2")
    repository.wait_for((repository.folder / "ran").exists)
    second = repository.launch(jobs=2)
    launch.send_signal(signal.SIGINT)
    launch.communicate()
    assert second.returncode == 1
    assert "another launch runs stages of this repository already" in second.stderr


def test_nobody_reading_stops_nothing(shell_repository: New) -> None:
    repository = shell_repository(MANY.format(names="a, b"))
    (repository.folder / "go").touch()
    program = f"{sys.executable} -m pipeline repro --jobs 2 2>&1 | head -1"
    done = repository.run("bash", "-c", f"set -o pipefail; {program}")
    assert "2 stages" in done.stdout
    assert sorted(repository.ran()) == ["a", "b"]
