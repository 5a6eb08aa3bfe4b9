"""write_report: a whole folder or nothing, the same bytes twice, links that lead somewhere."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.errors import ReportError
from pipeline.params import Params, load_params
from pipeline.reporting.pages import index_page, write_report
from pipeline.reporting.tables import KEYS
from pipeline.tasks import CORPORA
from tests.reporting.conftest import outcome_of

ROOT = Path(__file__).parents[2]
OUT, SUMMARY = Path("reports/demo"), Path("reports/summary.json")


def row_of(page: str, run: str) -> list[str]:
    """Return the cells of a run's row."""
    (line,) = (line for line in page.splitlines() if line.startswith(f"| [{run}]("))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_page_and_the_summary_are_written_and_nothing_else(written: Path) -> None:
    reports = written / "reports"
    params = load_params(ROOT / "params.yaml")
    found = {str(p.relative_to(reports)) for p in reports.rglob("*") if p.is_file()}
    records = {name for name in found if name.startswith("demo/records/")}
    assert len(records) == 3 + 4 * len(params.runs) + 2 * 14 + len(CORPORA)
    pages = ["README.md", "analysis.md", "table3.md", "table3.json", "data.md"]
    pages += ["curves.svg", "data.svg", "scores.svg"]
    pages += [f"runs/{run}.{kind}" for run in params.runs for kind in ("md", "svg")]
    beside = {"summary.json", "curves.csv", paths.DEAD_HEADS.name}  # the last was there before
    assert found - records == {*beside, *(f"demo/{page}" for page in pages)}
    rows = json.loads((written / OUT / "table3.json").read_text())
    assert [row["configuration"] for row in rows] == list(params.configurations)
    assert all(set(row) == set(KEYS) for row in rows)
    assert json.loads((written / SUMMARY).read_text()) == {
        "finetune": 0.5,
        "pretrain": 0.5,
        "multitask": 0.5,
        "finetune_wins": 0,
        "multitask_holds": 3,
    }


def test_every_page_names_profile_backbone_corpora_seed_and_device(written: Path) -> None:
    for page in ("README.md", "table3.md", "data.md", "analysis.md", "runs/sts-finetune.md"):
        head = (written / OUT / page).read_text().split("\n\n")[1]
        for part in ("demo", "all-MiniLM-L6-v2", "synthetic", "11711", "cpu"):
            assert f"**{part}" in head


def test_same_results_give_the_same_bytes_and_nothing_of_an_older_report_is_left(
    params: Params, written: Path
) -> None:
    OUT.mkdir(parents=True)
    (OUT / "old.md").write_text("of an older version")
    write_report(params, {}, OUT, SUMMARY)
    files = {path.relative_to(written) for path in (written / "reports").rglob("*.*")}
    assert files == set(Path("reports").rglob("*.*"))
    assert all(path.read_bytes() == (written / path).read_bytes() for path in files)


def test_old_report_stays_when_the_new_one_cannot_be_made(params: Params) -> None:
    OUT.mkdir(parents=True)
    (OUT / "table3.md").write_text("of before")
    Path("data/scores/sst-pretrain.json").unlink()
    with pytest.raises(ReportError, match=r"sst-pretrain\.json is missing"):
        write_report(params, {}, OUT, SUMMARY)
    assert (OUT / "table3.md").read_text() == "of before"
    assert {p.name for p in Path("reports").iterdir()} == {"demo", paths.DEAD_HEADS.name}


def test_links_of_the_report_lead_somewhere(written: Path) -> None:
    report = written / OUT
    links = [
        page.parent / link
        for page in report.rglob("*.md")
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text())
    ]
    assert {str(link.relative_to(report)) for link in links} == {
        str(path.relative_to(report))
        for path in report.rglob("*.*")
        if path.name != "README.md" and "records" not in path.parts
    }
    assert all(link.is_file() for link in links)


def test_a_run_that_serves_no_row_has_no_page_and_no_link(params: Params) -> None:
    rows = {k: row for k, row in params.configurations.items() if row.run != "sst-pretrain"}
    write_report(params.model_copy(update={"configurations": rows}), {}, OUT, SUMMARY)
    assert not (OUT / "runs/sst-pretrain.md").exists()
    assert "| sst-pretrain " in (OUT / "README.md").read_text()


def test_index_says_how_to_run_it_again(params: Params) -> None:
    page = index_page(params, outcome_of(params))
    assert "`make repro PROFILE=demo`" in page


def test_row_of_a_run_says_what_it_did(params: Params) -> None:
    outcome = outcome_of(params)
    told = replace(
        outcome.summaries["multitask-finetune"],
        device="NVIDIA H200",
        best_epoch=2,
        learning_rate=1.5e-5,
        turns={"sst": 1, "quora": 66, "sts": 2},
        left_out={"sst": 0, "quora": 1234, "sts": 16},
    )
    summaries = {**outcome.summaries, "multitask-finetune": told}
    page = index_page(params, replace(outcome, summaries=summaries))
    assert row_of(page, "multitask-finetune") == [
        "[multitask-finetune](runs/multitask-finetune.md)",
        "1.5e-5",
        "sst 64, quora 16, sts 16",
        "2",  # epochs
        "2",  # the best
        "18",  # 2 epochs of 3 steps of 3 corpora
        "1 sst + 66 quora + 2 sts",
        "1,234 quora, 16 sts",
        "NVIDIA H200",
    ]
    assert row_of(page, "sst-pretrain")[-2:] == ["none", "cpu (fp32)"]
    assert "device **NVIDIA H200, cpu (fp32)**" in page
