"""use_own_index: DVC's index is the user's own, also where nobody knows the user's name.

A user id without a name, as containers have, is made up: `pwd` knows nobody.
"""

import pytest

from tests.launch.conftest import ROOT, ShellRepository

pytestmark = pytest.mark.dvc

NAMELESS = """
import pwd

def unknown(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = unknown
"""
GRAPH = """
stages:
  words:
    cmd: python -c 'import getpass, pathlib; print(getpass.getuser(), pathlib.Path.home())' >words
    outs: [words]
"""
COMMANDS = {  # with the exit status: there are no results to compare, and nothing to draw
    ("plan",): 0,
    ("repro",): 0,
    ("repro", "--jobs", "2"): 0,
    ("job", "words"): 0,
    ("compare",): 0,
    ("compare", "HEAD", "workspace"): 1,
    ("plots", "HEAD"): 1,
}


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> ShellRepository:
    """Return a repository whose user has no name."""
    repository = ShellRepository(tmp_path_factory.mktemp("repository"), GRAPH)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        repository.done("git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command)
    repository.done("dvc", "config", "--unset", "core.no_scm")
    site = tmp_path_factory.mktemp("site-packages")
    (site / "sitecustomize.py").write_text(NAMELESS)
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "HOME", "DVC_SITE_CACHE_DIR"):
        repository.environment.pop(name, None)
    repository.environment["PYTHONPATH"] = f"{site}:{ROOT}"
    return repository


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_user_without_a_name_can_do_everything(
    command: tuple[str, ...], nameless: ShellRepository
) -> None:
    (nameless.folder / "words").unlink(missing_ok=True)
    done = nameless.pipeline(*command)
    assert done.returncode == COMMANDS[command], done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert done.stderr.count("\n") == 1
        assert "getpwuid" not in done.stderr
