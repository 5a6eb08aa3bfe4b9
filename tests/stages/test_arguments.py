"""A stage that runs once takes no arguments."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("stage", ["backbone", "corpora", "inputs", "report", "validate"])
def test_a_stage_without_arguments_rejects_one(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        import_module(f"stages.{stage}").main(["sst"])
    assert "unrecognized arguments: sst" in capsys.readouterr().err
