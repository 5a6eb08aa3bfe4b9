"""html_body: only links within the site, and no text from a corpus as markup."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.reporting.markdown import excerpt, table
from pipeline.site.html_body import Row, html_body

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<https://example.org>",
    "https://example.org www.example.org",
    "[x]: https://example.org",
    "</td></table><h1>",
    "<details><summary>x</summary>",
    "&lt;b&gt; &#60; &amp;",
    "| a | b | \\| \\",
    "`code` **bold** _it_ ~~s~~ $x$ # h",
    "<!-- -->",
    '" onclick="alert(1)',
]


class Read(HTMLParser):
    """Records the tags of a page, their attributes, and the text of table cells."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "td":
            self.text = ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1] == "td":
            self.text += data


def nowhere(_: str) -> None:
    return None


@given(st.text(min_size=1, max_size=100))
@example("\\")
def test_any_text_from_a_corpus_is_shown_unchanged_and_never_as_markup(text: str) -> None:
    text = text.replace("\0", "")  # not allowed in Markdown and HTML
    page = html_body(table(("What", "Text"), [("a", excerpt(text))]), nowhere)
    read = Read(page)
    assert " ".join(read.tags) == "div table caption thead tr th th tbody tr th td"
    assert read.text.strip() == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_even_unescaped_text_cannot_add_a_script_link_or_image(text: str) -> None:
    read = Read(html_body(f"- {excerpt(text)}\n", nowhere))
    assert (read.tags, read.attributes) == (["ul", "li"], [])
    read = Read(html_body(f"- {text}\n\n{text}\n\na {text}\n", nowhere))
    assert not {"script", "img", "a", "iframe"} & set(read.tags)
    assert not {name for name, _ in read.attributes if name.startswith("on")}


@pytest.mark.parametrize("tag", ["<details open>", "<div>", "<details onclick='x'>", "<style>"])
def test_details_are_the_only_html_that_is_kept(tag: str) -> None:
    text = "<details><summary>Files, with hashes</summary>\n\na\n\n</details>\n"
    assert Read(html_body(text, nowhere)).tags == ["details", "summary", "p"]
    assert Read(html_body(f"{tag}\n", nowhere)).tags == ["p"]


def test_links_and_figures_lead_to_files_of_the_site() -> None:
    site = {"table3.md": "table3.html", "curves.svg": "curves.svg"}.get
    page = html_body("[*Table* 3](table3.md), [else](else.md)\n\n![Curves](curves.svg)\n", site)
    assert '<a href="table3.html"><em>Table</em> 3</a>, else' in page
    assert '<a class="box figure" href="curves.svg"><img src="curves.svg" alt="Curves"></a>' in page


def rendered(
    header: tuple[str, ...],
    *rows: tuple[str, ...],
    right: tuple[str, ...] = (),
    numbers: tuple[float | None, ...] = (None, None, None, None),
) -> str:
    keys = ("score", "ci_low", "ci_high", "paper_score")
    row = Row(run="one", **dict(zip(keys, numbers, strict=True)))
    return html_body(f"# Name\n\n{table(header, rows, right)}\n", lambda _: None, [row])


def test_each_table_has_its_own_heading_or_summary_as_caption() -> None:
    one = table(("What",), [("a",)])
    text = (
        f"# A\n\n{one}\n\n## B *b*\n\n{one}\n\n"
        f"<details><summary>C</summary>\n\n{one}\n\n</details>\n"
    )
    page = html_body(text, lambda _: None)
    assert re.findall("<caption>(.*)</caption>", page) == ["A", "B b", "C"]


def test_headers_have_a_scope_and_classes_replace_styles() -> None:
    page = rendered(("What", "Value"), ("a", "1"), right=("Value",))
    assert 'role="group" aria-label="Table: Name" tabindex="0"' in page
    assert '<th scope="col">What</th>' in page
    assert '<th scope="col" class="right">Value</th>' in page
    assert '<th scope="row">a</th>\n<td class="right">1</td>' in page
    assert "style" not in page  # forbidden by the site's Content-Security-Policy
    # the length of a link is that of its text
    page = rendered(("What", "Text"), ("a", "word " * 20), ("b", f"[b]({'x' * 80})"))
    assert page.count('class="long"') == 1


HEADER = ("Corpus", "Ours", "Paper")


@pytest.mark.parametrize(
    ("ours", "numbers", "tip"),
    [
        (
            "**0.984** [0.953, 1.000]",
            (0.984, 0.953, 1.0, 0.959),
            "0.984, interval 0.953 to 1.000; paper 0.959",
        ),
        (
            "0.594 † [0.469, 0.719]",
            (0.594, 0.469, 0.719, None),
            "0.594, interval 0.469 to 0.719",
        ),
        ("undefined: constant predictions", (None, None, None, 0.5), None),
    ],
)
def test_a_score_shows_its_interval_beside_the_papers_score(
    ours: str, numbers: tuple[float | None, ...], tip: str | None
) -> None:
    page = rendered(HEADER, ("sst", ours, "0.5"), numbers=numbers)
    assert re.findall(r'role="tooltip" hidden>([^<]*)<', page) == ([tip] if tip else [])
    assert ("]</small></button>" in page) == bool(tip)
    assert ('class="paper"' in page) == ("paper" in (tip or ""))
    assert tip or f"<td>{ours}</td>" in page


def test_the_interval_is_drawn_to_scale_and_within_the_picture() -> None:
    numbers = (0.5, -0.25, 1.0, 0.25)
    page = rendered(HEADER, ("sst", "0.500 [-0.250, 1.000]", "0.250"), numbers=numbers)
    assert '<line class="interval" x1="10.0" x2="210.0"' in page
    assert '<circle class="ours" cx="110.0"' in page
    assert '<polygon class="paper" points="60.0,6 ' in page


def test_only_table_3_can_be_sorted() -> None:
    assert '<table class="sortable">' in rendered(HEADER, ("sst", "0.500", "0.500"))
    assert "sortable" not in rendered(("Run", "Dev score", "Paper"), ("sst", "0.500", "0.500"))
