"""data_page: what a reader must find on it, from validations written by hand."""

from typing import Any

import pytest

from pipeline.reporting.markdown import MAX_CHARACTERS
from pipeline.reporting.pages import data_page

HEAD = "profile **demo** · seed **11711**"


def finding(name: str, severity: str, success: bool, **known: Any) -> dict[str, Any]:
    return {
        "expectation": name,
        "split": "dev",
        "severity": severity,
        "success": success,
        "description": known.get("description", f"What {name} says."),
        "observed": known.get("observed", "3 of 864 so"),
        "unexpected_count": 3,
        "examples": [
            {"id": key, "text": text, "detail": known.get("detail", "")}
            for key, text in known.get("examples", [])
        ],
    }


def validation(*findings: dict[str, Any], **known: Any) -> dict[str, Any]:
    lengths = {"min": 2, "median": 8.5, "p95": 22.0, "max": 1056}
    return {
        "corpus": "sts",
        "source": "cs224n",
        "counts": {"train": 6040, "dev": 864, "test": 0},
        "paper_counts": {"train": 6041, "dev": 864, "test": 1726},
        "count_notes": {"train": "Table 1 counts the header line", "dev": "", "test": "none"},
        "dropped": [],
        "notes": [],
        "label_balance": {"train": {"0": 1510, "5": 4530}, "dev": {"0": 1, "5": 863}, "test": {}},
        "lengths": {"train": lengths, "dev": lengths, "test": dict.fromkeys(lengths)},
        "findings": list(findings),
        **known,
    }


def cells(page: str) -> list[list[str]]:
    """Return the rows of all tables on a page."""
    return [
        [cell.strip() for cell in line.strip("|").split(" |")]
        for line in page.split("\n")
        if line.startswith("|")
    ]


def test_labels_and_lengths_are_shown_and_what_is_not_there_is_said() -> None:
    rows = cells(data_page({"sts": validation()}, HEAD))
    assert ["sts", "train", "1,510 (25.0 %)", "", "", "", "", "4,530 (75.0 %)"] in rows
    assert ["sts", "test", "no examples", "", "", "", "", ""] in rows
    assert ["sts", "train", "2", "8.5", "22", "1,056"] in rows
    assert ["sts", "test", "–", "–", "–", "–"] in rows
    unlabelled = validation(counts={"train": 6040, "dev": 864, "test": 1725})
    unlabelled_rows = cells(data_page({"sts": unlabelled}, HEAD))
    assert ["sts", "test", "no labels", "", "", "", "", ""] in unlabelled_rows


def test_findings_are_listed_with_the_worst_first_and_the_others_counted() -> None:
    found = validation(
        finding("a", "info", False),
        finding("b", "warning", True, examples=[("no", "not shown")]),
        finding("c", "critical", False, observed="0"),
        finding("d", "warning", False, examples=[("id1", "One text."), ("id2", "")], detail="why"),
    )
    page = data_page({"sts": found}, HEAD)
    assert "1 of 4 expectations are met. These are not:" in page
    assert cells(page)[-3:] == [
        ["1", "critical", "sts", "dev", "What c says.", "0"],
        ["2", "warning", "sts", "dev", "What d says.", "3 of 864 so"],
        ["3", "info", "sts", "dev", "What a says.", "3 of 864 so"],
    ]
    examples = page.split("### Examples\n\n")[1]
    assert examples == "No. 2, sts dev: `d`\n\n- `id1` One text. (why)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a`|b", r"a\`\|b"),
        ("a | b\nc", r"a \| b c"),
        ("<br /> *so* `it` is_said [x](y)", r"\<br /\> \*so\* \`it\` is\_said \[x\](y)"),
        (r"costs $5 & more \ #1 ~x~", r"costs \$5 \& more \\ \#1 \~x\~"),
    ],
)
def test_texts_and_ids_cannot_break_the_page(text: str, shown: str) -> None:
    found = finding("a", "warning", False, description=text, examples=[("label 4", text)])
    other = finding("b", "warning", False, examples=[("a`|b", text)])
    page = data_page({"sts": validation(found, other)}, HEAD)
    assert f"- `label 4` {shown}\n" in page
    assert f"- a\\`\\|b {shown}\n" in page  # an id that cannot be code
    assert f"| {shown} " in page  # padded to the width of its column


def test_few_texts_are_quoted_and_none_at_length_but_from_both_ends() -> None:
    long = "first of all " + "long " * 400 + "/ the second sentence"
    examples = [("id1", long), ("id2", "b"), ("id3", "c")]
    page = data_page({"sts": validation(finding("a", "warning", False, examples=examples))}, HEAD)
    (quoted,) = (line for line in page.split("\n") if line.startswith("- `id1` "))
    text = quoted.removeprefix("- `id1` ")
    assert text.startswith("first of all long")
    assert " … " in text
    assert text.endswith("/ the second sentence")
    assert len(text) <= MAX_CHARACTERS
    assert "id2" not in page
