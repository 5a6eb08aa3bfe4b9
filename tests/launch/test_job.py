"""Job: a stage under DVC waits for others and stops with the process that started it."""

from pathlib import Path

import psutil
import pytest

from tests.launch.conftest import ShellRepository

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

GRAPH = """
stages:
  words:
    cmd: echo words >words
    outs: [words]
  slow:
    cmd: echo slow >>ran; while test ! -e go; do sleep 0.1 || exit; done; cat words >slow
    deps: [words]
    outs: [slow]
"""


def test_a_stage_waits_for_another_dvc_and_ends_with_its_parent(
    tmp_path: Path,
) -> None:
    repository = ShellRepository(tmp_path, GRAPH)
    missing = repository.pipeline("job", "wrods")
    assert missing.returncode != 0
    assert "wrods failed: ERROR: Stage 'wrods' not found" in missing.stderr
    assert "(.logs/wrods.log has more)" in missing.stderr

    repository.done("dvc", "repro", "words")
    asker = repository.start("tests.launch.conftest", "pipeline", "job", "slow")
    repository.wait_for((tmp_path / "ran").exists)
    asker.kill()
    asker.communicate()
    psutil.wait_procs(repository.processes())  # all of them end

    other = repository.start("dvc", "repro", "slow")
    repository.wait_for(lambda: repository.ran() == ["slow"] * 2)
    job = repository.start("pipeline", "job", "slow")
    line = repository.line_with("waiting for files", job)
    assert "/slow' is busy" in line
    assert f"(PID {other.pid}): " in line
    (tmp_path / "go").touch()
    for process in (other, job):
        output, _ = process.communicate()
        assert process.returncode == 0, output
    assert repository.ran() == ["slow"] * 2
    assert "waiting for files" in (tmp_path / ".logs/slow.log").read_text()
