"""`python -m pipeline render`: the bytes of the stage from records alone, whole or not at all."""

import shutil
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from tests.reporting.conftest import ROOT

REPORT = paths.report_dir("demo")


@pytest.fixture
def report(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, bytes]:
    """Go where only a report and params.yaml with another seed are; return all files."""
    shutil.copytree(written / REPORT, tmp_path / REPORT)
    shutil.copy(written / paths.DEAD_HEADS, tmp_path / paths.DEAD_HEADS)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / paths.PARAMS).read_text()
    paths.PARAMS.write_text(text.replace("seed: 11711", "seed: 7"))
    return files()


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()} | {
        paths.PARAMS: b""
    }


def test_the_pages_come_out_as_the_stage_wrote_them(
    report: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    for page in [path for path in report if path.suffix in (".md", ".svg")]:
        page.write_text("edited by hand")
    (REPORT / "old.md").write_text("of an older version")
    (REPORT / "table3.json").unlink()
    main(["render", "--profile", "demo"])
    assert files() == report
    assert capsys.readouterr().out == "wrote the pages of reports/demo/\n"


def test_a_change_of_a_record_changes_the_pages(report: dict[Path, bytes]) -> None:
    path = REPORT / "records/scores/sst-pretrain.json"
    path.write_text(path.read_text().replace('"score": 0.5', '"score": 0.123'))
    main(["render"])
    changed = {path.name for path, content in files().items() if content != report[path]}
    assert {"table3.md", "table3.json", "sst-pretrain.md"} <= changed
    assert "0.123" in (REPORT / "table3.md").read_text()


def test_pages_stay_when_a_record_is_missing(
    report: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    gone = REPORT / "records/runs/sts-finetune/history.csv"
    gone.unlink()
    assert main(["render"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{gone} is missing; `git checkout {REPORT}/records`")
    assert files() == {path: report[path] for path in report if path != gone}


def test_a_profile_without_records_is_told_in_one_sentence(
    report: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "--profile", "laptop"]) == 1
    assert capsys.readouterr().err.startswith("reports/laptop/records/params.json is missing; `git")
    assert files() == report
    assert not paths.report_dir("laptop").exists()
