"""Tables: padded, so that they line up in a terminal too."""

from pipeline.reporting.markdown import table


def test_columns_are_padded_and_numbers_set_right() -> None:
    assert table(("a", "number"), [("long cell", "1"), ("x", "22")], right=("number",)) == (
        "| a         | number |\n"
        "| --------- | -----: |\n"
        "| long cell |      1 |\n"
        "| x         |     22 |"
    )
