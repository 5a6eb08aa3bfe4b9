"""html_table: what a table is called, what its cells head, and what a score's interval is."""

import re

import pytest

from pipeline.reporting.html_body import html_body
from pipeline.reporting.markdown import table


def rendered(header: tuple[str, ...], *rows: tuple[str, ...], right: tuple[str, ...] = ()) -> str:
    return html_body(f"# Name\n\n{table(header, rows, right)}\n", lambda _: None)


def test_a_table_is_called_what_stands_over_it() -> None:
    page = rendered(("What", "Value"), ("a", "1"))
    assert "<caption>Name</caption>" in page
    assert 'role="group" aria-label="Table: Name" tabindex="0"' in page


def test_of_two_tables_each_is_called_by_its_own_heading_or_summary() -> None:
    one = table(("What",), [("a",)])
    text = (
        f"# A\n\n{one}\n\n## B *b*\n\n{one}\n\n"
        f"<details><summary>C</summary>\n\n{one}\n\n</details>\n"
    )
    page = html_body(text, lambda _: None)
    assert re.findall("<caption>(.*)</caption>", page) == ["A", "B b", "C"]


def test_headers_say_what_they_head_and_alignment_is_a_class() -> None:
    page = rendered(("What", "Value"), ("a", "1"), right=("Value",))
    assert '<th scope="col">What</th>' in page
    assert '<th scope="col" class="right">Value</th>' in page
    assert '<tr><th scope="row">a</th>\n<td class="right">1</td>\n</tr>' in page
    assert "style" not in page  # which the site's Content-Security-Policy forbids


def test_a_long_text_may_be_broken_into_lines_and_a_link_counts_by_what_it_shows() -> None:
    page = rendered(("What", "Text"), ("a", "word " * 20), ("b", f"[b]({'x' * 80})"))
    assert page.count('class="long"') == 1


HEADER = ("Corpus", "Ours", "Paper")


@pytest.mark.parametrize(
    ("ours", "paper", "told"),
    [
        ("0.594 [0.469, 0.719]", "0.722", "0.594, interval 0.469 to 0.719; paper 0.722"),
        ("**0.984** [0.953, 1.000]", "**0.959**", "0.984, interval 0.953 to 1.000; paper 0.959"),
        ("0.594 † [0.469, 0.719]", "–", "0.594, interval 0.469 to 0.719"),
        ("-0.100 [-0.200, 0.100]", "0.001", "-0.100, interval -0.200 to 0.100; paper 0.001"),
    ],
)
def test_a_score_tells_its_interval_beside_the_papers_score(
    ours: str, paper: str, told: str
) -> None:
    page = rendered(HEADER, ("sst", ours, paper))
    assert re.findall(r'role="tooltip" hidden>([^<]*)<', page) == [told]
    assert "]</small></button>" in page
    assert ("paper" in told) == ('class="paper"' in page)


@pytest.mark.parametrize("ours", ["undefined: constant predictions", "0.500"])
def test_a_score_without_interval_stands_alone(ours: str) -> None:
    page = rendered(HEADER, ("sst", ours, "0.001"))
    assert f"<td>{ours}</td>" in page
    assert "tip" not in page


def test_the_interval_is_drawn_to_scale_and_inside_the_picture() -> None:
    page = rendered(HEADER, ("sst", "0.500 [-0.250, 1.000]", "0.250"))
    assert '<line class="interval" x1="10.0" x2="210.0"' in page
    assert '<circle class="ours" cx="110.0"' in page
    assert '<polygon class="paper" points="60.0,6 ' in page


def test_only_table_3_can_be_sorted() -> None:
    assert '<table class="sortable">' in rendered(HEADER, ("sst", "0.500", "0.500"))
    assert "sortable" not in rendered(("Run", "Dev score", "Paper"), ("sst", "0.500", "0.500"))
