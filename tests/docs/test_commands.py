"""Runs every command in README and docs, in order, in a small copy of this repository.

The whole graph of ten runs has run there. Commands that cannot run here are listed with the tests
that run them, so that nobody forgets a new command.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.torture.forked import forked
from tests.torture.repository import ROOT, Repository, small_repository

OURS = "python -m pipeline "
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
REMOTES = "tests/end_to_end/test_remotes.py"
ELSEWHERE = {  # by the beginning of the command
    "git ": f"the clone that these tests run in, and {REMOTES}",
    "source .venv/bin/activate": "the PATH of every command here",
    "make repro PROFILE=laptop": "tests/data/test_sources.py and the committed report",
    "make repro PROFILE=own": "tests/end_to_end/test_own_data.py",
    "make repro PROFILE=mine": "tests/cli/test_profile.py",
    "make repro JOBS=4": "as JOBS=2",
    "make repro SCHEDULER=tcp://head:8786": "tests/launch/test_cluster.py",
    "make sweep ": "tests/end_to_end/test_repro.py has a smaller one",
    "make readings": "tests/cli/test_sweep.py",
    "make test": "this",
    "make check": ".ci/run",
    "make bench": "tests/benchmarks",
    "make torture": "tests/torture",
    # docs/team.md
    "dvc remote ": f"{REMOTES}; to servers of another kind, by hand",
    **dict.fromkeys(["dvc push", "dvc pull", "dvc repro --pull"], REMOTES),
    **dict.fromkeys(["dvc exp push", "dvc exp pull", "dvc exp apply"], REMOTES),
    "dvc exp list origin": "by hand",
    "dvc cache dir --local": "by hand",
    "dvc config --local": "by hand",
    "pip install ": "by hand",
}

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def commands() -> list[str]:
    """Return the commands in all pages, without repetitions and comments."""
    lines = [
        line.split("  #")[0].strip()
        for page in PAGES
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", "").splitlines()
    ]
    return list(dict.fromkeys(line for line in lines if line))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    """Make a small repository in which the whole graph has run and is committed."""
    small = small_repository(tmp_path_factory.mktemp("docs"), tiny_backbone_dir)
    for path in [ROOT / "Makefile", *ROOT.glob("requirements*.lock")]:
        shutil.copy2(path, small.folder)  # with their times, so that nothing is installed again
    (small.folder / "docs").mkdir(exist_ok=True)
    (small.folder / ".venv").symlink_to(sys.prefix)
    small.make()
    small.done("git", "config", "user.email", "reader@example.org")
    small.done("git", "config", "user.name", "A reader")
    small.done("git", "checkout", "-qb", "main")
    small.done("git", "add", "--all")
    small.done("git", "commit", "-qm", "As a clone has it")
    return small


def test_commands_that_are_not_run_here_still_exist_in_the_pages() -> None:
    assert all(any(command.startswith(start) for command in commands()) for start in ELSEWHERE)


def run_ours(folder: Path, command: str) -> None:
    """Run a command of `python -m pipeline` in this process, which has already loaded torch."""
    os.chdir(folder)
    sys.exit(main(shlex.split(command.removeprefix(OURS))))


def test_every_command_in_the_pages_works(repository: Repository) -> None:
    failed = []
    for command in commands():
        if command.startswith(tuple(ELSEWHERE)):
            continue
        if command.startswith(OURS):
            status = forked(run_ours, repository.folder, command)
        else:
            done = repository.run("bash", "-c", command)
            status = done.returncode
            sys.stderr.write(f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        if status:  # pytest shows its output
            failed.append(command)
    assert failed == []
    written = ("reports/compare.md", "site/index.html", "exports/sst-test.jsonl")
    assert [name for name in written if not (repository.folder / name).is_file()] == []
