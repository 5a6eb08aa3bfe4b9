"""data_page: neither a text from a corpus nor an id can break it."""

from dataclasses import replace

import pytest

from pipeline.core.records import Example
from pipeline.reporting.pages import data_page
from tests.reporting.conftest import FINDING, VALIDATION


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
    findings = [
        replace(FINDING, description=text, examples=[Example(id_, text, "")])
        for id_ in ("label 4", "a`|b")
    ]
    page = data_page({"sts": VALIDATION.model_copy(update={"findings": findings})}, "head")
    assert f"- `label 4` {shown}\n" in page
    assert f"- a\\`\\|b {shown}\n" in page  # an id that cannot be code
    assert f"| {shown} " in page  # padded to the width of its column
