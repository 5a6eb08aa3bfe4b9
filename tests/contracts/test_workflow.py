"""The workflow of GitHub Actions runs the same script as everywhere and has read access only."""

import re
from typing import Any

import pytest

from pipeline.core.yaml12 import parse_yaml
from tests.params import ROOT

TEXT = (ROOT / ".github/workflows/ci.yml").read_text()
# YAML 1.2, as on GitHub: in YAML 1.1, the key `on` would be the boolean true
WORKFLOW: dict[str, Any] = parse_yaml(TEXT)
(JOB,) = WORKFLOW["jobs"].values()
USED = [step["uses"] for step in JOB["steps"] if "uses" in step]


def test_it_only_runs_the_script_on_pushes_and_pull_requests() -> None:
    assert [path.name for path in (ROOT / ".github/workflows").iterdir()] == ["ci.yml"]
    assert set(WORKFLOW["on"]) == {"push", "pull_request"}
    assert [step["run"] for step in JOB["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert JOB["timeout-minutes"] == 30


def test_it_may_only_read_the_repository() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in JOB
    assert "secrets" not in TEXT
    assert JOB["steps"][0]["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("used", USED)
def test_actions_come_from_github_and_are_pinned_to_a_commit_and_version(used: str) -> None:
    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used)
    assert re.search(rf"{used} # v\d+\.\d+\.\d+\n", TEXT)


def test_it_uses_the_oldest_supported_python_and_packages_for_the_cpu() -> None:
    (setup,) = (s["with"] for s in JOB["steps"] if "setup-python" in s.get("uses", ""))
    assert (
        f'requires-python = ">={setup["python-version"]}"' in (ROOT / "pyproject.toml").read_text()
    )
    assert JOB["env"] == {"PIP_EXTRA_INDEX_URL": "https://download.pytorch.org/whl/cpu"}
    # without a local version (2.13.0+cpu), the lock also fits PyPI's builds
    lock = (ROOT / "requirements-compute.lock").read_text()
    assert re.search(r"^torch==[\d.]+$", lock, re.MULTILINE)
