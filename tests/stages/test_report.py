"""Stage report: the profile in force decides the folder."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.core import paths
from pipeline.core.yaml12 import as_yaml
from pipeline.plumbing.params import load_params
from stages import report
from tests.params import with_value


@pytest.mark.usefixtures("here")
def test_report_goes_to_the_folder_of_the_profile_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    paths.PARAMS.write_text(as_yaml(with_value("profile", "laptop")))
    paths.TRIALS.write_text("trials: {}")
    calls: list[Any] = []
    monkeypatch.setattr(report, "write_report", lambda *args: calls.append(args))
    report.main()
    assert calls == [(load_params(), {}, Path("reports/laptop"), Path("reports/summary.json"))]
