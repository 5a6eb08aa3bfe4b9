"""html_body: links of the site and nothing else, and no text of a corpus as markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.reporting.html_body import html_body, title_of
from pipeline.reporting.markdown import excerpt, table

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
    """Takes down the tags of a page, their attributes, and the text of table cells."""

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
def test_any_text_of_a_corpus_is_shown_as_it_is_and_is_never_markup(text: str) -> None:
    text = text.replace("\0", "")  # which no text may hold, in Markdown or HTML
    page = html_body(table(("What", "Text"), [("a", excerpt(text))]), nowhere)
    read = Read(page)
    assert " ".join(read.tags) == "div table caption thead tr th th tbody tr th td"
    assert read.text.strip() == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_markup_is_shown_as_it_is_in_a_list_too(text: str) -> None:
    read = Read(html_body(f"- {excerpt(text)}\n", nowhere))
    assert read.tags == ["ul", "li"]
    assert read.attributes == []


@pytest.mark.parametrize("text", HOSTILE)
def test_even_text_that_was_not_escaped_brings_no_script_link_or_image(text: str) -> None:
    read = Read(html_body(f"- {text}\n\n{text}\n\na {text}\n", nowhere))
    assert not {"script", "img", "a", "iframe"} & set(read.tags)
    assert not {name for name, _ in read.attributes if name.startswith("on")}


def test_details_are_the_only_html_that_comes_through() -> None:
    text = "<details><summary>Files, with hashes</summary>\n\na\n\n</details>\n"
    assert Read(html_body(text, nowhere)).tags == ["details", "summary", "p"]


@pytest.mark.parametrize("tag", ["<details open>", "<div>", "<details onclick='x'>", "<style>"])
def test_other_html_is_shown(tag: str) -> None:
    assert Read(html_body(f"{tag}\n", nowhere)).tags == ["p"]


def test_links_and_figures_lead_where_the_site_has_them() -> None:
    site = {"table3.md": "table3.html", "curves.svg": "curves.svg"}.get
    page = html_body("[*Table* 3](table3.md), [else](else.md)\n\n![Curves](curves.svg)\n", site)
    assert '<a href="table3.html"><em>Table</em> 3</a>, else' in page
    assert '<a class="box figure" href="curves.svg"><img src="curves.svg" alt="Curves"></a>' in page


def test_the_title_is_the_first_heading() -> None:
    assert title_of("# Run `sst`, *again*\n\ntext\n") == "Run sst, again"
