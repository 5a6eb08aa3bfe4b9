"""CloneWorkers: a launcher and two workers in clones of their own, which share no files.

They meet in a bare git repository and a DVC remote, a directory or an S3-compatible server. Stages
are shell commands with the names of ours.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launch.conftest import ShellRepository, wait_until_registered

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

New = Callable[[str], ShellRepository]

GRAPH = """
stages:
  inputs:
    cmd: pwd >>{ran}; echo words >words
    deps: [params.yaml]
    outs: [words]
  train:
    foreach: [a, b]
    do:
      cmd: (pwd; echo ${{item}}) >>{ran}; test ! -e broken; cat words >model-${{item}}
      deps: [words]
      outs: ['model-${{item}}']
  evaluate:
    foreach: [a, b]
    do:
      cmd: (pwd; echo score-${{item}}) >>{ran}; cat model-${{item}} >score-${{item}}
      deps: ['model-${{item}}']
      outs: ['score-${{item}}']
  report:
    cmd: (pwd; echo report) >>{ran}; cat score-a score-b >report
    deps: [score-a, score-b]
    outs: [report: {{cache: false}}]
"""


class Team:
    """A repository, its two clones with a worker in each, and a scheduler."""

    def __init__(self, head: ShellRepository) -> None:
        self.head = head
        self.ran = head.folder.parent / "ran"
        self.clones = [head.folder.parent / name for name in ("one", "two")]
        origin = str(head.folder.parent / "origin.git")
        head.done("git", "init", "--quiet", "--bare", origin)
        for command in (
            ("config", "user.email", "we@example.org"),
            ("config", "user.name", "We"),
            ("remote", "add", "origin", origin),
            ("add", "--all"),
            ("commit", "--quiet", "--message", "All of it"),
            ("push", "--quiet", "origin", "HEAD:main"),
        ):
            head.done("git", *command)
        for clone in self.clones:
            head.done("git", "clone", "--quiet", "--branch", "main", origin, str(clone))
        file = head.folder.parent / "scheduler.json"
        place = ("--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard")
        dask = (sys.executable, "-m", "dask")
        self.processes = [head.start(*dask, "scheduler", "--port", "0", *place)]
        head.wait_for(file.exists)
        self.processes += [
            head.start("env", "-C", str(clone), *dask, "worker", "--no-nanny", *place)
            for clone in self.clones
        ]
        wait_until_registered(self.processes[1:])
        self.address = json.loads(file.read_text())["address"]

    def launch(self) -> str:
        """Run everything on the workers; return what was said, and expect success."""
        program = (sys.executable, "-m", "pipeline", "repro", "--clones", "--scheduler")
        done = self.head.run(*program, self.address)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def places(self) -> dict[str, str]:
        """Return the folder in which each stage ran, and expect that it did so once."""
        lines = self.ran.read_text().splitlines()[1:]
        names = lines[1::2]
        assert len(names) == len(set(names))
        return dict(zip(names, (Path(line).name for line in lines[::2]), strict=True))

    def end(self) -> None:
        """Leave nothing behind."""
        for process in reversed(self.processes):
            process.kill()
            process.communicate()


@pytest.fixture
def head(shell_repository: New, tmp_path: Path) -> ShellRepository:
    """Return a repository that git keeps, beside which there is room."""
    folder = tmp_path / "head"
    folder.mkdir()
    head = ShellRepository(folder, GRAPH.format(ran=tmp_path / "ran"))
    head.done("git", "init", "--quiet")
    (folder / ".gitignore").write_text(
        "/words\n/model-*\n/score-*\n/.logs\n/.times\n/.dvc/tmp\n/.dvc/cache\n/report\n"
    )
    head.done("dvc", "config", "--unset", "core.no_scm")
    return head


@pytest.fixture(params=["directory", "s3"])
def team(head: ShellRepository, request: pytest.FixtureRequest) -> Iterator[Team]:
    """Lend a team whose files meet in a directory, or in S3."""
    if request.param == "directory":
        store = head.folder.parent / "store"
        head.done("dvc", "remote", "add", "--quiet", "--default", "store", str(store))
    else:
        head.environment |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
        head.done("dvc", "remote", "add", "--quiet", "--default", "store", "s3://team/clones")
        address = request.getfixturevalue("s3")
        head.done("dvc", "remote", "modify", "store", "endpointurl", address)
    found = Team(head)
    yield found
    found.end()


def test_trainings_run_in_the_clones_and_nothing_runs_twice(team: Team) -> None:
    assert "`dvc repro` agrees: 6 stages" in team.launch()
    places = team.places()
    runs = ("a", "b")
    assert set(places) == {"report", *runs, *(f"score-{run}" for run in runs)}
    assert {places[run] for run in runs} == {"one", "two"}
    assert all(places[f"score-{run}"] == places[run] for run in runs)
    assert places["report"] == "head"
    assert (team.head.folder / "report").read_text() == "words\n" * 2
    assert team.head.done("git", "ls-remote", "origin", "refs/minbert/*") == ""
    assert "up to date" in team.head.done("dvc", "status")


def test_what_cannot_be_sent_is_told(head: ShellRepository) -> None:
    program = (sys.executable, "-m", "pipeline", "repro", "--clones")
    done = head.run(*program)
    assert done.returncode == 2
    assert "--clones says what workers of a --scheduler have" in done.stderr
