"""`python -m pipeline repro --jobs N` with real DVC and shell commands as stages."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.launch.conftest import ShellRepository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

# `hold` makes a run wait for Ctrl-C; `stubborn` makes it ignore Ctrl-C
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
        test ! -e break-${item} || { echo "12:00:00  it broke" >&2; exit 3; };
        test ! -e hold || {
        trap 'kill $!; echo kept-${item} >>ran; test -e stubborn || exit 130' INT;
        while test -e hold; do sleep 600 & wait $!; done; };
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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ShellRepository:
    """Return a repository for all tests."""
    return ShellRepository(tmp_path_factory.mktemp("repository"), GRAPH)


@pytest.fixture
def repository(made: ShellRepository) -> ShellRepository:
    """Return the repository as if nothing had run."""
    for name in ("ran", "hold", "stubborn", "dvc.lock", "words"):
        (made.folder / name).unlink(missing_ok=True)
    for path in made.folder.glob("*-[abc]"):
        path.unlink()
    shutil.rmtree(made.folder / ".dvc/cache", ignore_errors=True)
    return made


def test_a_failure_skips_only_dependent_stages(repository: ShellRepository) -> None:
    (repository.folder / "break-b").touch()
    done = repository.pipeline("repro", "--jobs", "2")
    assert done.returncode == 1
    assert "words began, 1 thread\n" in done.stderr
    assert "train@b failed: it broke (.logs/train@b.log has more)" in done.stderr
    assert "not run, since they need it: evaluate@b, report" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(repository.ran()) == ["a", "b", "c", "score-a", "score-c", "words"]

    (repository.folder / "break-b").unlink()
    again = repository.pipeline("repro", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert repository.ran()[6:] == ["b", "score-b", "report"]
    assert "3 of 3" in again.stderr
    assert "up to date" in repository.done("dvc", "status")


def test_ctrl_c_lets_runs_save_and_a_second_one_kills_them(repository: ShellRepository) -> None:
    ran, hold = repository.folder / "ran", repository.folder / "hold"
    hold.touch()
    launch = repository.start("pipeline", "repro", "--jobs", "2")
    repository.wait_for(lambda: ran.exists() and len(repository.ran()) == 3)
    second = repository.pipeline("repro", "--jobs", "2")
    assert second.returncode == 1
    assert "another launch runs stages of this repository already" in second.stderr
    launch.send_signal(signal.SIGINT)
    output, _ = launch.communicate()
    assert launch.returncode == 128 + signal.SIGINT
    assert "continues from there" in output
    assert "Traceback" not in output
    trained = repository.ran()[1:3]  # two of three: the third one never started
    assert sorted(repository.ran()[3:]) == sorted(f"kept-{name}" for name in trained)

    (repository.folder / "stubborn").touch()
    ran.unlink()
    launch = repository.start("pipeline", "repro", "--jobs", "2")
    for signals in (2, 4):  # both runs have started, and then have been asked to stop
        repository.wait_for(lambda count=signals: ran.exists() and len(repository.ran()) == count)
        launch.send_signal(signal.SIGTERM)
    output, _ = launch.communicate()
    assert launch.returncode == 128 + signal.SIGTERM
    assert "ending what runs" in output
    assert repository.processes() == []


def test_closed_output_stops_nothing(repository: ShellRepository) -> None:
    program = f"{sys.executable} -m pipeline repro --jobs 2 2>&1 | head -1"
    done = repository.run("bash", "-c", f"set -o pipefail; {program}")
    assert "8 stages" in done.stdout
    assert len(repository.ran()) == 8


def test_twelve_parallel_stages_lose_nothing_to_a_held_lock(tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(12)]
    graph = {
        "foreach": names,
        "do": {"cmd": "echo ${item} >>ran; touch ${item}", "outs": ["${item}"]},
    }
    repository = ShellRepository(tmp_path, str({"stages": {"train": graph}}))
    with repository.lock_held() as holder:
        launch = repository.start("pipeline", "repro", "--jobs", "12")
        line = repository.line_with("waiting for ", launch)
    assert f"waiting for .dvc/tmp/lock: process {holder} ({sys.executable} -c" in line
    output, _ = launch.communicate()
    assert launch.returncode == 0, output
    assert sorted(repository.ran()) == sorted(names)
    assert "up to date" in repository.done("dvc", "status")
