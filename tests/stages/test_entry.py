"""run_stage: a user's mistake is one line and exit status 1; a bug keeps its traceback."""

import errno
import os
import signal
import sys

import pytest

from pipeline.errors import CorpusError, StopError
from stages.entry import run_stage


@pytest.fixture(autouse=True)
def _command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stages/any.py", "sst-finetune"])


def test_stage_gets_the_command_line() -> None:
    seen: list[str] = []
    run_stage(seen.extend)
    assert seen == ["sst-finetune"]


def test_user_error_is_one_line_and_status_1(caplog: pytest.LogCaptureFixture) -> None:
    def main(argv: list[str]) -> None:
        raise CorpusError("row 3 of a.csv has no label; add one")

    with pytest.raises(SystemExit) as exit_:
        run_stage(main)
    assert exit_.value.code == 1
    assert [record.getMessage() for record in caplog.records] == [
        "row 3 of a.csv has no label; add one"
    ]
    assert caplog.records[0].exc_info is None


def test_bug_is_not_taken_for_a_user_error() -> None:
    def main(argv: list[str]) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        run_stage(main)


FULL = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, FULL, "data/runs/a/history.csv"),
            "data/runs/a/history.csv: No space left on device; free some space and run again",
        ),
        (
            OSError(errno.ENOSPC, FULL, "own/config.json", None, "data/backbone/config.json"),
            "data/backbone/config.json: No space left on device; free some space and run again",
        ),
        (MemoryError(), "this machine's memory is full; free some memory and run again"),
    ],
    ids=["a write", "a copy", "memory"],
)
def test_a_refusal_of_the_machine_is_one_line_with_a_remedy(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def main(argv: list[str]) -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        run_stage(main)
    assert exit_.value.code == 1
    (record,) = caplog.records
    assert record.getMessage() == said


def test_a_file_that_the_code_forgot_is_a_bug() -> None:
    def main(argv: list[str]) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "ours")

    with pytest.raises(FileNotFoundError, match="ours"):
        run_stage(main)


@pytest.mark.parametrize(
    ("raised", "status"),
    [(KeyboardInterrupt(), 130), (StopError("stopped at step 3", signal.SIGTERM), 143)],
)
def test_an_interruption_is_one_line_and_the_status_a_shell_gives(
    raised: BaseException, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def main(argv: list[str]) -> None:
        raise raised

    with pytest.raises(SystemExit) as exit_:
        run_stage(main)
    assert exit_.value.code == status
    assert len(caplog.records) == 1
