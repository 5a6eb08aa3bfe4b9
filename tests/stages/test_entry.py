"""run_stage: a user's mistake is one line and exit status 1; a bug keeps its traceback."""

import sys

import pytest

from pipeline.errors import CorpusError
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
