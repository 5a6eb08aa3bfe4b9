"""write_site: complete, offline, with valid links, and only into suitable folders."""

import re
import shutil
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.core import paths
from pipeline.errors import ReportError
from pipeline.site.site import SIGN, times_section, write_site

ROOT = Path(__file__).parents[2]
REFERENCE = re.compile(r'\b(?:href|src)="([^"]*)"')


@pytest.fixture
def reports(written: Path, here: Path) -> Path:
    """Go to a folder with a report and return where reports are."""
    return Path(shutil.copytree(written / "reports", here / "reports"))


def pages_of(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_the_site_has_exactly_the_pages_and_figures_of_the_report(
    site: Path, written: Path
) -> None:
    report = written / "reports/demo"
    files = [path.relative_to(report) for path in report.rglob("*.*")]
    shown = {path for path in files if path.parts[0] != "records"}
    pages = {path.with_suffix(".html") for path in shown if path.suffix == ".md"}
    others = {Path(name) for name in ("index.html", "compare.html", "site.css", "site.js")}
    found = {path.relative_to(site) for path in site.rglob("*.*")}
    figures = {path for path in shown if path.suffix != ".md"}
    assert found == (pages - {Path("README.html")}) | figures | others | {Path("icon.svg")}


def test_references_are_relative_and_connect_all_pages(site: Path) -> None:
    names = {page.resolve() for page in pages_of(site)}
    for page in pages_of(site):
        references = [link for link in REFERENCE.findall(page.read_text()) if link[0] != "#"]
        targets = {link: (page.parent / link).resolve() for link in references}
        assert names <= set(targets.values())
        assert [link for link in references if link.startswith("/")] == []
        assert [t for t in targets.values() if not t.is_file()] == []
        assert all(target.is_relative_to(site.resolve()) for target in targets.values())


def test_pages_load_only_their_own_style_and_script(site: Path) -> None:
    for name in ("site.css", "site.js"):
        assert not re.search(r"https?:|url\(|import|fetch|Request", (site / name).read_text())
    for page in pages_of(site):
        text = page.read_text()
        assert "content=\"default-src 'none'; script-src 'self' file:; " in text
        assert len(re.findall("<script[^>]*>", text)) == 1
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", text)


def test_every_page_has_a_heading_language_and_title_and_marks_its_own_link(site: Path) -> None:
    texts = [page.read_text() for page in pages_of(site)]
    assert all(text.count("<h1>") == 1 and '<html lang="en-GB">' in text for text in texts)
    titles = {re.search("<title>(.*)</title>", text)[1] for text in texts}
    assert len(titles) == len(texts)
    assert {"Run sst-pretrain · profile demo", "HEAD against main"} <= titles
    marked = re.compile('<a href="([^"]*)" aria-current="page">')
    for page in pages_of(site):
        assert marked.findall(page.read_text()) == [page.name]


def test_links_in_the_comparison_lead_into_the_site(site: Path) -> None:
    assert '<p><a href="table3.html">Ours</a></p>' in (site / "compare.html").read_text()


def test_the_same_report_gives_the_same_bytes_and_replaces_an_older_site(reports: Path) -> None:
    for name in ("one", "two"):
        write_site("demo", Path(name))
    Path("one/runs/gone.html").write_text(SIGN)
    write_site("demo", Path("one"))
    files = {path.relative_to("one") for path in Path("one").rglob("*.*")}
    assert len(files) > 20
    assert files == {path.relative_to("two") for path in Path("two").rglob("*.*")}
    assert all(Path("one", f).read_bytes() == Path("two", f).read_bytes() for f in files)


def test_other_folders_and_added_files_are_not_replaced(reports: Path) -> None:
    Path("file").write_text("mine")
    Path("mine").mkdir()
    Path("mine/index.html").write_text("<h1>mine</h1>")
    for name in (".", "reports", "file", "mine"):
        with pytest.raises(ReportError, match="already exists and is not a site"):
            write_site("demo", Path(name))
    assert Path("file").read_text() == "mine"
    assert (reports / "demo/table3.md").is_file()
    write_site("demo", Path("site"))
    Path("site/CNAME").write_text("example.org")
    with pytest.raises(ReportError, match="CNAME is not from a site and would be lost"):
        write_site("demo", Path("site"))
    assert Path("site/CNAME").read_text() == "example.org"


def test_a_missing_or_damaged_report_keeps_the_old_site(reports: Path) -> None:
    write_site("demo", Path("site"))
    with pytest.raises(ReportError, match=r"^reports/laptop/ contains no report; run `make repro"):
        write_site("laptop", Path("site"))
    (reports / "demo/data.md").write_bytes(b"\xff")
    with pytest.raises(ReportError, match="is damaged"):
        write_site("demo", Path("site"))
    assert Path("site/data.html").is_file()


def test_an_older_report_with_fewer_pages_gives_a_smaller_site(reports: Path) -> None:
    for name in ("analysis.md", "runs"):
        path = reports / "demo" / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    write_site("demo", Path("site"))
    index = Path("site/index.html").read_text()
    assert 'href="table3.html"' in index
    assert "Section 6</a>" not in index
    assert '<nav aria-label="Runs">' not in index


@pytest.mark.usefixtures("here")
def test_a_run_shows_its_time_if_it_is_known(site: Path) -> None:
    assert "<h2>Time and memory</h2>" in (site / "runs/sst-pretrain.html").read_text()
    assert "Time and memory" not in (site / "runs/sst-finetune.html").read_text()
    path = paths.stage_time("demo", "train@sst")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert times_section("demo", "sst") == ""


def test_the_command_prints_what_it_wrote_or_a_mistake_in_one_line(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    assert main(["site", "--out", "here"]) == 0
    assert capsys.readouterr() == ("wrote here/: open here/index.html\n", "")
    assert main(["site", "--profile", "none"]) == 1
    unknown = "unknown profile 'none'; allowed: demo, laptop, paper\n"
    assert capsys.readouterr() == ("", unknown)
