"""run_stage: a user's mistake gives one line and exit status 1; a bug keeps its traceback."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline.plumbing.entry import run_stage
from pipeline.errors import CorpusError, StopError
from tests.params import ROOT

FULL = os.strerror(errno.ENOSPC)
SAID = "No space left on device; free some space and run again"


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (CorpusError("row 3 of a.csv has no label"), 1, "row 3 of a.csv has no label"),
        (KeyboardInterrupt(), 130, "interrupted; run `make repro` to continue"),
        (StopError("stopped at step 3", signal.SIGTERM), 143, "stopped at step 3"),
        (OSError(errno.ENOSPC, FULL, "data/a.csv"), 1, f"data/a.csv: {SAID}"),
        (OSError(errno.ENOSPC, FULL, "own/b", None, "data/b"), 1, f"data/b: {SAID}"),  # a copy
        (MemoryError(), 1, "this machine's memory is full; free some memory and run again"),
    ],
    ids=["error", "Ctrl-C", "stop", "write", "copy", "memory"],
)
def test_a_users_mistake_gives_one_line_and_a_status(
    raised: BaseException, status: int, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    def main() -> None:
        raise raised

    with pytest.raises(SystemExit) as exit_:
        run_stage(main)
    assert exit_.value.code == status
    (record,) = caplog.records
    assert record.getMessage() == message
    assert record.exc_info is None


@pytest.mark.parametrize(
    "bug", [KeyError("ours"), FileNotFoundError(errno.ENOENT, "No such file", "ours")]
)
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    def main() -> None:
        raise bug

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(type(bug), match="ours"):
        run_stage(main)
    assert signal.getsignal(signal.SIGTERM) is before


def process_of(program: str, **variables: str) -> subprocess.Popen[str]:
    """Start a Python program that can import the project, with only the given DVC variables."""
    environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stage_of(body: str) -> str:
    """Return a program that runs a stage with this main."""
    return (
        "import time\nfrom pathlib import Path\nfrom pipeline.plumbing.entry import run_stage\n"
        "from pipeline.core.files import replacing_folder\n"
        f"def main():\n{textwrap.indent(textwrap.dedent(body), '    ')}\nrun_stage(main)\n"
    )


def test_sigterm_cleans_up_and_gives_one_line(tmp_path: Path) -> None:
    half = f"""
    with replacing_folder(Path({str(tmp_path / "out")!r})) as folder:
        (folder / "half").touch()
        print("begun", flush=True)
        time.sleep(60)
    """
    with process_of(stage_of(half)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        _, output = process.communicate()
    assert process.returncode == 143
    assert output.strip().endswith("stopped; run `make repro` to continue")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", [{"DVC_STAGE": "train@any"}, {}])
def test_a_stage_stops_exactly_when_its_dvc_process_has_ended(
    by: dict[str, str], tmp_path: Path
) -> None:
    """A parent process starts the stage and is killed."""
    mark = tmp_path / "lived on"
    child = stage_of(f"""
    print("begun", flush=True)
    time.sleep({60 if by else 2})
    Path({str(mark)!r}).touch()
    """)
    between = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with process_of(between, **by) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
        _, output = process.communicate()  # waits until the stage has ended
    assert mark.exists() != bool(by)
    assert ("has ended, so the stage stops too" in output) == bool(by)


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        # dask's nanny sets all three, to 1 if the user has not set them
        ({"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}, 3),
        ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "3"}, 1),
        ({"MKL_NUM_THREADS": "3"}, 3),
    ],
)
def test_omp_num_threads_alone_sets_the_number_of_threads(
    variables: dict[str, str], threads: int, tmp_path: Path
) -> None:
    others = {
        name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")
    }
    program = stage_of("print(torch.get_num_threads())")
    stage = {"DVC_STAGE": "train@any", "DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    uncapped = {"MKL_DYNAMIC": "FALSE"}  # otherwise limited to the number of cores
    done = subprocess.run(
        [sys.executable, "-c", program.replace("run_stage\n", "run_stage\nimport torch\n", 1)],
        env={**others, **uncapped, **stage, **variables},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{threads}\n", done.stderr
    line = done.stderr.splitlines()[0]
    assert line.endswith(f"  train@any, {threads} thread{'s' * (threads > 1)}")
