"""Every command of README and docs, run for real in a small copy of this repository, in order.

What cannot be run here is listed with what runs it instead, so that a new command is either run
or thought about.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.torture.repository import ROOT, Repository, small_repository

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ELSEWHERE = {
    "git clone <this repository> && cd minbert-pipeline": "the clone that these tests run in",
    "source .venv/bin/activate": "the PATH of every command here",
    "make repro PROFILE=laptop": "tests/corpora/test_sources.py and the committed report",
    "make repro PROFILE=own": "tests/end_to_end/test_own_data.py",
    "make repro PROFILE=mine": "tests/stages/test_preflight.py",
    "make repro SCHEDULER=tcp://head:8786": "tests/launch/test_cluster.py",
    "make readings": "tests/commands/test_readings.py",
    "make test": "this",
    "make check": ".ci/run",
    "make bench": "tests/benchmarks",
    "make torture": "tests/torture",
}
SWEEP = "make sweep "  # every one: tests/end_to_end/test_repro.py has a smaller one

# docs/team.md: what tests/end_to_end/test_remotes.py does under other names
ELSEWHERE |= dict.fromkeys(
    [
        "dvc remote add --default store ../minbert-store",
        'git add .dvc/config && git commit -m "Name the team\'s remote"',
        "dvc push --run-cache",
        "dvc remote add --default cloud s3://bucket/minbert",
        "dvc remote modify cloud endpointurl https://minio.example.org",
        "dvc pull",
        "git push origin main",
        "dvc exp push --run-cache origin my-experiment",
        "dvc exp pull origin my-experiment",
        "dvc exp apply my-experiment",
        "dvc repro --pull",
    ],
    "tests/end_to_end/test_remotes.py",
)
# and what was done by hand, or needs a server of another kind
ELSEWHERE |= dict.fromkeys(
    [
        "pip install 'dvc-s3>=3.3,<4'",
        "pip install 'dvc-gs>=3,<4'",
        "pip install 'dvc-ssh>=4,<5'",
        "dvc remote modify --local cloud access_key_id KEY",
        "dvc remote modify --local cloud secret_access_key SECRET",
        "dvc remote add --default cloud gs://bucket/minbert",
        "dvc remote modify --local cloud credentialpath /path/to/key.json",
        "dvc remote add --default server ssh://host.example.org/srv/minbert",
        "dvc remote modify --local server user ME",
        "dvc remote modify --local server keyfile ~/.ssh/id_ed25519",
        "git pull",
        "dvc exp list origin",
        "git checkout --ours dvc.lock reports",
        "git add dvc.lock reports && git commit",
        "dvc cache dir --local /srv/minbert-cache",
        "dvc config --local cache.shared group",
        "dvc config --local cache.type reflink,symlink,copy",
    ],
    "by hand",
)

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def commands() -> list[str]:
    """Return the commands of all pages, each once, comments left out."""
    lines = [
        line.split("  #")[0].strip()
        for page in PAGES
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", "").splitlines()
    ]
    return list(dict.fromkeys(line for line in lines if line))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Repository:
    """Make a small repository with a Makefile, an environment and a first commit."""
    small = small_repository(tmp_path_factory.mktemp("docs"), tiny_backbone_dir)
    for path in [ROOT / "Makefile", *ROOT.glob("requirements*.lock")]:
        shutil.copy2(path, small.folder)  # as old as they are: nothing is installed anew
    (small.folder / "docs").mkdir(exist_ok=True)
    (small.folder / ".venv").symlink_to(sys.prefix)
    small.run("git", "config", "user.email", "reader@example.org")
    small.run("git", "config", "user.name", "A reader")
    small.run("git", "checkout", "-qb", "main")
    small.run("git", "add", "--all")
    assert small.run("git", "commit", "-qm", "A first commit").returncode == 0
    return small


def test_what_is_not_run_here_is_still_in_the_pages() -> None:
    assert set(ELSEWHERE) <= set(commands())


def test_every_command_of_the_pages_works(repository: Repository) -> None:
    failed = {}
    for command in commands():
        if command in ELSEWHERE or command.startswith(SWEEP):
            continue
        done = repository.run("bash", "-c", command)
        if done.returncode:
            failed[command] = done.stdout[-2000:] + done.stderr[-2000:]
        if command == "make repro":
            repository.run("git", "add", "--all")
            repository.run("git", "commit", "-qm", "dvc.lock and reports, as a clone has them")
    assert failed == {}
    written = ("reports/compare.md", "site/index.html", "exports/sst-test.jsonl")
    assert [name for name in written if not (repository.folder / name).is_file()] == []
