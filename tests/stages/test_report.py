"""Stage report: the profile in force decides the folder; what is missing ends it in one line."""

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.plumbing.entry import run_stage
from pipeline.plumbing.params import load_params
from stages import report

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def params_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    Path("trials.yaml").write_text("trials: {}")
    return path


@pytest.mark.parametrize("profile", ["demo", "laptop"])
def test_report_goes_to_the_folder_of_the_profile_in_force(
    params_yaml: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    params_yaml.write_text(params_yaml.read_text().replace("profile: demo", f"profile: {profile}"))
    calls: list[Any] = []
    monkeypatch.setattr(report, "write_report", lambda *args: calls.append(args))
    report.main([])
    assert calls == [(load_params(), {}, Path("reports") / profile, Path("reports/summary.json"))]


def test_without_runs_it_ends_in_one_line_that_names_the_file(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["report"])
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as stopped:
        run_stage(report.main)
    assert stopped.value.code == 1
    assert caplog.messages == ["data/runs/cfimdb-pretrain/run.json is missing; run `dvc repro`"]
    assert list(Path("reports").iterdir()) == []
