"""Tables keep their rows, whatever their fields contain."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.tables import read_table
from pipeline.errors import InputError

# quotation marks, blanks and letters, often enough for every combination
FIELDS = st.text(st.sampled_from('"",a \u2028\x85')) | st.text(
    st.characters(exclude_characters="\0\t\r\n", exclude_categories=["Cs"])
)


@given(st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1))
def test_lines_of_a_tab_separated_file_are_rows_despite_quotation_marks(
    rows: list[tuple[str, str, str]],
) -> None:
    text = "".join("\t".join(row) + "\n" for row in [("x", "y", "z"), *rows])
    table = read_table(text, "file", "tsv", InputError)
    assert [line for line, _ in table.rows] == [n + 2 for n in range(len(rows))]
    if "text" in table.assumed or not table.assumed:
        assert [tuple(row) for _, row in table.rows] == rows


@given(st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1))
def test_a_tab_separated_file_from_pythons_csv_is_read_back(
    rows: list[tuple[str, str, str]],
) -> None:
    text = io.StringIO()
    written = csv.writer(text, delimiter="\t", lineterminator="\n")
    written.writerows([("x", "y", "z"), *rows])
    table = read_table(text.getvalue(), "file", "tsv", InputError)
    assert [tuple(row) for _, row in table.rows] == rows
    assert "text" not in table.assumed
