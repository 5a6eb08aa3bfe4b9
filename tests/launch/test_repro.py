"""become_dvc_repro: this process becomes a quiet DVC with the plan for its stages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# replaces DVC: prints its process number, its arguments and environment, and some lines
STAND_IN = """
import json, os, sys
print("said on stdout")
given = [os.getpid(), sys.argv[1:], os.environ["MINBERT_PLAN"], os.environ["PATH"]]
sys.stderr.write(json.dumps(given))
sys.exit(7)
"""
PROGRAM = """
import os
from pipeline.launch.plan import Outcome, PlannedStage
from pipeline.launch.repro import become_dvc_repro
print(os.getpid())
stages = [
    PlannedStage("corpora", Outcome.UP_TO_DATE, []), PlannedStage("tokens", Outcome.RUN_CACHE, []),
    PlannedStage("train@a", Outcome.RUN, []), PlannedStage("report", Outcome.DEPENDS, []),
]
os.chdir("stand-in")  # python -m dvc finds what lies there
become_dvc_repro(stages, {{"train@a": 12.5, "corpora": 1.0}}, is_quiet={is_quiet})
"""


@pytest.mark.parametrize("is_quiet", [True, False])
def test_the_same_process_continues_as_dvc(is_quiet: bool, tmp_path: Path) -> None:
    (tmp_path / "stand-in").mkdir()
    (tmp_path / "stand-in" / "dvc.py").write_text(STAND_IN)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(is_quiet=is_quiet)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )
    pid, arguments, plan, path = json.loads(done.stderr)
    assert done.returncode == 7
    assert done.stdout == f"{pid}\n" + ("" if is_quiet else "said on stdout\n")
    assert arguments == ["repro"]
    assert json.loads(plan) == {"train@a": [12.5, True], "report": [None, False]}
    assert path.startswith(str(Path(sys.executable).parent))
