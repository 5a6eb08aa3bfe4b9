"""`python -m pipeline render`: records give the same bytes as the stage, all or none."""

import shutil
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from tests.reporting.conftest import ROOT

REPORT = paths.report_dir("demo")


@pytest.fixture
def report(written: Path, here: Path) -> dict[Path, bytes]:
    """Go where only a report and params.yaml with another seed are; return all files."""
    shutil.copytree(written / REPORT, here / REPORT)
    shutil.copy(written / paths.DEAD_HEADS, here / paths.DEAD_HEADS)
    text = (ROOT / paths.PARAMS).read_text()
    paths.PARAMS.write_text(text.replace("seed: 11711", "seed: 7"))
    return files()


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()} | {
        paths.PARAMS: b""
    }


def test_render_writes_the_same_pages_as_the_stage(
    report: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    for page in [path for path in report if path.suffix in (".md", ".svg")]:
        page.write_text("edited by hand")
    (REPORT / "old.md").write_text("of an older version")
    (REPORT / "table3.json").unlink()
    main(["render", "--profile", "demo"])
    assert files() == report
    assert capsys.readouterr().out == "wrote the pages of reports/demo/\n"


def test_a_changed_record_changes_the_pages(report: dict[Path, bytes]) -> None:
    path = REPORT / "records/scores/sst-pretrain.json"
    path.write_text(path.read_text().replace('"score": 0.5', '"score": 0.123'))
    main(["render"])
    changed = {path.name for path, content in files().items() if content != report[path]}
    assert {"table3.md", "table3.json", "sst-pretrain.md"} <= changed
    assert "0.123" in (REPORT / "table3.md").read_text()


@pytest.mark.parametrize(
    ("profile", "gone"), [("demo", "runs/sts-finetune/history.csv"), ("laptop", "params.json")]
)
def test_a_missing_record_is_named_and_the_pages_are_kept(
    profile: str, gone: str, report: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    records = paths.report_dir(profile) / paths.RECORDS
    (records / gone).unlink(missing_ok=True)
    assert main(["render", "--profile", profile]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{records / gone} is missing; `git checkout {records}`")
    assert files() == {path: report[path] for path in report if path != records / gone}
    assert not paths.report_dir("laptop").exists()
