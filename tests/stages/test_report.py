"""Stage report: the active profile determines the folder; a missing file is named."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.yaml12 import as_yaml
from pipeline.errors import ReportError
from pipeline.plumbing.params import load_params
from stages import report
from tests.params import with_value


@pytest.fixture(autouse=True)
def _laptop_is_active(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(as_yaml(with_value("profile", "laptop")))
    paths.TRIALS.write_text("trials: {}")


def test_the_report_goes_to_the_folder_of_the_active_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(report, "write_report", lambda *args: calls.append(args))
    report.main([])
    assert calls == [(load_params(), {}, Path("reports/laptop"), Path("reports/summary.json"))]


def test_without_runs_the_missing_file_is_named_and_nothing_is_written() -> None:
    said = r"^data/runs/cfimdb-pretrain/run\.json is missing; run `dvc repro`$"
    with pytest.raises(ReportError, match=said):
        report.main([])
    assert list(Path("reports").iterdir()) == []
