"""use_own_index: DVC also works if the user has no name, as in containers.

tests/contracts/test_security.py tests that the index belongs to the user.
"""

from pathlib import Path

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


def test_a_user_without_a_name_can_use_everything(tmp_path: Path) -> None:
    repository = ShellRepository(tmp_path, GRAPH)
    (tmp_path / "sitecustomize.py").write_text(NAMELESS)
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "HOME", "DVC_SITE_CACHE_DIR"):
        repository.environment.pop(name, None)
    repository.environment["PYTHONPATH"] = f"{tmp_path}:{ROOT}"
    for command in ("plan", "job words", "repro --jobs 2"):
        done = repository.pipeline(*command.split())
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert (tmp_path / "words").is_file()
