"""The site in headless Chromium: quiet, offline, sortable, readable, accessible."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium"
)

# one of each kind
KINDS = ("index", "table3", "analysis", "data", "compare", "runs/multitask-finetune")
AXE: dict[str, Any] = {
    "preload": False,  # it would fetch the style sheet, which the pages forbid
    "resultTypes": ["violations"],
}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = ["color-contrast"]
TWO_FRAMES = "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
COLORFUL = ("table3", "runs/multitask-finetune")  # together they have every color


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def table3(browser: Browser, site: Path) -> Iterator[Page]:
    page = browser.new_page()
    page.goto((site / "table3.html").as_uri())
    yield page
    page.close()


def test_every_page_loads_without_console_output_or_other_requests(
    browser: Browser, site: Path
) -> None:
    page = browser.new_page()
    output: list[str] = []
    page.on("console", lambda message: output.append(message.text))
    page.on("pageerror", lambda error: output.append(str(error)))

    def fails(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the icon, if the next page is requested first
            output.append(f"failed: {request.url} {request.failure}")

    page.on("requestfailed", fails)
    page.on("dialog", lambda dialog: output.append(f"dialog: {dialog.message}"))
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    pages = sorted(site.rglob("*.html"))
    for path in pages:
        page.goto(path.as_uri())
        figures = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
        assert all(figures), f"a figure of {path.name} is not shown"
        assert path.stem == "compare" or page.title().endswith("· profile demo")
    page.close()
    assert output == []
    assert len(asked) > len(pages)
    assert {url for url in asked if not url.startswith(site.as_uri())} == set()


def column(page: Page, name: str) -> list[str]:
    number = page.locator(".sortable th[scope=col]").all_inner_texts().index(name) + 1
    return page.locator(f".sortable tbody tr > :nth-child({number})").all_inner_texts()


def header(page: Page, name: str) -> Locator:
    return page.locator(".sortable").get_by_role("columnheader", name=name, exact=True)


def test_a_click_sorts_table_3_up_down_and_back(table3: Page) -> None:
    before = column(table3, "Corpus")
    for order in ("ascending", "descending", "none"):
        header(table3, "Corpus").get_by_role("button").click()
        assert header(table3, "Corpus").get_attribute("aria-sort") == order
        found = column(table3, "Corpus")
        if order == "none":
            assert found == before
        else:
            assert found == sorted(before, reverse=order == "descending")
            assert found != before


def test_the_keyboard_sorts_table_3_with_numbers_before_text(table3: Page) -> None:
    header(table3, "Rate").get_by_role("button").focus()
    table3.keyboard.press("Enter")
    rates = [float(rate) for rate in column(table3, "Rate")]
    assert rates == sorted(rates)
    assert len(set(rates)) > 1
    table3.keyboard.press("Space")
    assert [float(rate) for rate in column(table3, "Rate")] == rates[::-1]
    table3.locator(".sortable tbody tr:first-child td:last-child").evaluate(
        "cell => { cell.textContent = '–' }"
    )
    for _ in range(2):
        header(table3, "Δ").get_by_role("button").click()
        assert column(table3, "Δ")[-1] == "–"
    assert header(table3, "Rate").get_attribute("aria-sort") == "none"


def test_an_interval_appears_on_hover_and_disappears(table3: Page) -> None:
    score, tips = table3.locator(".score").nth(2), table3.locator(".tip:visible")
    assert tips.count() == 0
    score.hover()
    assert tips.inner_text().startswith("0.500, interval 0.400 to 0.600; paper 0.382")
    table3.mouse.move(0, 0)
    assert tips.count() == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_an_interval_appears_on_focus_within_the_window(table3: Page, width: int) -> None:
    table3.set_viewport_size({"width": width, "height": 800})
    header(table3, "Δ").get_by_role("button").focus()
    for _ in range(14):
        table3.keyboard.press("Tab")
        focused, tip = table3.locator(".score:focus"), table3.locator(".tip:visible")
        table3.evaluate(TWO_FRAMES)  # the browser scrolls to it
        text = tip.inner_text()
        assert text.startswith("0.500, interval 0.400 to 0.600")
        assert focused.get_attribute("aria-describedby") == tip.get_attribute("id")
        assert tip.evaluate("tip => tip.scrollWidth <= tip.clientWidth")
        tip_box, score_box = tip.bounding_box(), focused.bounding_box()
        assert tip_box
        assert score_box
        assert 0 <= tip_box["x"] <= width - tip_box["width"]
        assert 0 <= tip_box["y"] <= 800 - tip_box["height"]
        beside = (score_box["y"] + score_box["height"], score_box["y"] - tip_box["height"])
        assert any(abs(tip_box["y"] - place) < 2 for place in beside)
    table3.keyboard.press("Escape")
    assert table3.locator(".tip:visible").count() == 0


@pytest.mark.parametrize(("medium", "width"), [("screen", 390), ("screen", 1440), ("print", 760)])
def test_no_page_is_wider_than_the_window_and_scrolling_boxes_take_focus(
    browser: Browser, site: Path, medium: Any, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.emulate_media(media=medium)
    for name in (*KINDS, "runs/sts-pretrain"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        wide = page.locator(".box").evaluate_all(
            "all => all.filter(box => box.scrollWidth > box.clientWidth).map(box => box.tabIndex)"
        )
        assert set(wide) <= {0}, name
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations(browser: Browser, site: Path, scheme: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    for name in KINDS if scheme == "light" else COLORFUL:
        page.goto((site / f"{name}.html").as_uri())
        if scheme == "dark":
            page.locator(".score").first.focus()  # to show its tip
        found = Axe().run(page, options=AXE | {"runOnly": WCAG if scheme == "light" else CONTRAST})
        assert found.response["passes"]
        assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    page.close()


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(table3: Page) -> None:
    table3.keyboard.press("Tab")
    link = table3.locator(":focus")
    assert link.inner_text() == "Skip to the content"
    assert (link.bounding_box() or {"y": -1})["y"] >= 0
    table3.keyboard.press("Enter")
    assert table3.evaluate("document.activeElement.id") == "content"
