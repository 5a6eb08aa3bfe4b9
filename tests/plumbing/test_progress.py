"""Progress of a stage, on a terminal and elsewhere, and the record of its time."""

import io
import json
import logging
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import torch

from pipeline.core import paths
from pipeline.errors import StopError
from pipeline.plumbing.params import load_params
from pipeline.plumbing.progress import Planned, ProgressHandler, record_time

ROOT = Path(__file__).parents[2]
PLAN = {"train@a": (30.0, True), "train@b": (60.0, True), "report": (None, True)}


def record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("pipeline", level, "", 0, message, None, None)
    vars(made).update(extra)
    return made


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def handler(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> ProgressHandler:
    monkeypatch.setenv("MINBERT_PLAN", json.dumps(PLAN))
    monkeypatch.setenv("DVC_STAGE", "train@a")
    return ProgressHandler(stream)


def test_without_a_terminal_lines_have_a_time_and_there_is_no_live_line(
    handler: ProgressHandler, stream: io.StringIO
) -> None:
    handler.emit(record("step 1", logging.DEBUG))
    handler.emit(record("epoch 1"))
    assert time.strptime(stream.getvalue(), "%H:%M:%S  epoch 1\n")


@pytest.mark.parametrize(
    ("plan", "stage", "threads", "lines"),
    [
        (PLAN, "train@a", 0, ["stage 1 of 3: train@a, about 30 s, all at least 2 min"]),
        (PLAN, "train@b", 0, ["stage 2 of 3: train@b, about 1 min"]),
        (PLAN, "report", 0, ["stage 3 of 3: report"]),
        (PLAN, "train@b", 1, ["stage 2 of 3: train@b, 1 thread, about 1 min"]),
        ({}, "train@a", 3, ["train@a, 3 threads"]),
        ({}, "train@a", 0, []),
    ],
)
def test_a_stage_announces_its_place_in_a_plan_and_its_threads(
    plan: object,
    stage: str,
    threads: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MINBERT_PLAN", json.dumps(plan))
    monkeypatch.setenv("DVC_STAGE", stage)
    caplog.set_level(logging.INFO, "pipeline")
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    else:
        monkeypatch.delitem(sys.modules, "torch")  # as in a stage that does not compute
    ProgressHandler(None).announce()
    torch.set_num_threads(before)
    assert caplog.messages == lines


@pytest.mark.parametrize("plan", ["", "{", "[1]", '{"train@a": 1}'])
def test_an_unreadable_plan_is_ignored(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINBERT_PLAN", plan)
    assert ProgressHandler(None).plan == {}


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (Planned(2.0, is_sure=True), ", all 2 min"),
        (Planned(2.0, is_sure=False), ", all about 2 min"),
        (Planned(None, is_sure=False), ", all about 2 min"),  # not a bound, because it may not run
    ],
)
def test_the_time_left_for_all_stages_is_added(
    report: Planned, words: str, handler: ProgressHandler, stream: io.StringIO
) -> None:
    handler.plan["report"] = report
    handler.emit(record("epoch 1", left_seconds=10.0))
    handler.emit(record("epoch 2", left_seconds=None))
    assert [line[10:] for line in stream.getvalue().splitlines()] == [f"epoch 1{words}", "epoch 2"]


def test_a_live_line_that_cannot_be_written_does_not_stop_the_stage(
    handler: ProgressHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.is_terminal = True
    handler.emit(record("step %d", logging.DEBUG, args=("one",)))
    assert "Logging error" in capsys.readouterr().err


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_a_stop_signal_while_writing_a_live_line_stops_the_stage(
    level: int, handler: ProgressHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: logging.LogRecord) -> str:
        raise StopError("stopped", signal.SIGTERM)

    monkeypatch.setattr(handler, "format", stop)
    handler.is_terminal = True
    with pytest.raises(StopError):
        handler.emit(record("epoch 1", level))


def as_stage(
    body: str, *, begin: str = 'exec "$@"', **how: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a stage with this main in a new process, started by a shell."""
    head = "import logging, sys\nfrom pipeline.plumbing.entry import run_stage\ndef main():\n"
    program = f"{head}{indent(dedent(body), '    ')}\nrun_stage(main)"
    environment = {k: v for k, v in os.environ.items() if k not in ("DVC_STAGE", "MINBERT_PLAN")}
    return subprocess.run(
        ["/bin/sh", "-c", begin, "sh", sys.executable, "-c", program],
        env=environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm"} | how.pop("variables", {}),
        **how,
    )


def test_a_stage_runs_silently_if_stderr_is_closed() -> None:
    expected = "logging.getLogger('pipeline').info('epoch 1')"
    assert as_stage(expected, begin='exec "$@" 2>&-').returncode == 0


LIVE = """
log, other = logging.getLogger("pipeline.training.pace"), logging.getLogger("library")
log.debug("%s", "step 1 " + "x" * 200)
log.debug("step 2")
log.info("epoch 1")
other.info("chatter")
other.debug("chatter")
"""


def test_a_live_line_on_a_terminal_is_replaced_and_never_wraps() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 60))
    done = as_stage(LIVE, stderr=theirs)
    os.close(theirs)
    written = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    first, second, last = written.split("\r\x1b[K")[1:]
    assert first[10:].startswith("step 1 xxx")
    assert len(first) == 59
    assert second[10:] == "step 2"
    assert last[10:] == "epoch 1\r\n"
    assert "chatter" not in written


@pytest.fixture
def repository(three_files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_STAGE", "train@a")
    return three_files


def kept(root: Path) -> Path:
    return root / paths.stage_time(load_params().profile, "train@a")


def test_the_time_and_memory_of_a_stage_are_recorded(repository: Path) -> None:
    record_time({"steps": 12}, started=time.monotonic() - 5.0)
    content = json.loads(kept(repository).read_text())
    assert content["schema"] == "time/1"
    assert content["stage"] == "train@a"
    assert content["steps"] == 12
    assert 5.0 <= content["seconds"] < 10.0
    if sys.platform == "linux":
        assert 1e7 < content["peak_memory_bytes"] < 1e11


def test_an_experiment_records_its_times_in_the_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("root")
    monkeypatch.setenv("DVC_ROOT", str(root))
    record_time({}, started=time.monotonic())
    assert kept(root).is_file()
    kept(root).unlink()
    monkeypatch.delenv("DVC_STAGE")
    record_time({}, started=time.monotonic())
    assert not kept(root).exists()
    assert not (repository / paths.TIMES).exists()


def test_a_record_that_cannot_be_written_does_not_stop_the_stage(
    repository: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (repository / paths.TIMES).write_text("a file where a folder should be")
    record_time({}, started=time.monotonic())
    assert "the time of train@a could not be recorded" in caplog.text


def test_a_failed_stage_records_nothing_and_progress_loads_no_heavy_library(
    repository: Path,
) -> None:
    fails = """
    print({"torch", "pandas", "pydantic"} & set(sys.modules))
    raise OSError(28, "full")
    """
    train = {"DVC_STAGE": "train@a"}
    done = as_stage(fails, variables=train, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "set()\n")
    assert not (repository / paths.TIMES).exists()
