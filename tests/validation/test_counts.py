"""counts: expected numbers of rows, and explanations for differences from Table 1."""

from typing import Any

import pytest

from pipeline.core.tasks import CORPORA
from pipeline.plumbing.params import Cs224nCorpora, LocalCorpora, SplitSizes, SyntheticCorpora
from pipeline.validation.counts import ExpectedRows, expected_rows

PUBLISHED = Cs224nCorpora(source="cs224n", quora_split="published")
CARVED = Cs224nCorpora(source="cs224n", quora_split="carved")
SYNTHETIC = SyntheticCorpora(
    source="synthetic", sizes=dict.fromkeys(CORPORA, SplitSizes(train=1600, dev=8, test=9))
)
HEADER = "Table 1 counts the header line"


@pytest.mark.parametrize(
    ("corpora", "place", "counted", "note", "severity"),
    [
        (PUBLISHED, "sst train", (8544, 0), "", "warning"),
        (PUBLISHED, "cfimdb train", (1707, 0), "the published file has 6 rows more", "warning"),
        (PUBLISHED, "cfimdb dev", (244, 0), "the published file has 1 row fewer", "warning"),
        (PUBLISHED, "sts dev", (863, 0), HEADER, "warning"),
        (PUBLISHED, "quora dev", (20212, 2), f"{HEADER}; 2 rows left out", "warning"),
        (
            PUBLISHED,
            "quora train",
            (141500, 1),
            f"{HEADER}; 1 row left out; the published file has 4 rows fewer",
            "warning",
        ),
        (CARVED, "sts dev", (863, 0), HEADER, "warning"),
        (CARVED, "quora dev", (4042, 2), "carved out of quora-dev.csv", "info"),
        (CARVED, "quora test", (0, 0), "no test split when carved", "info"),
        (SYNTHETIC, "sst train", (1600, 0), "synthetic", "critical"),
    ],
)
def test_differences_from_table_1_are_explained(
    corpora: Any, place: str, counted: tuple[int, int], note: str, severity: str
) -> None:
    name, split = place.split()
    expected = expected_rows(CORPORA[name], split, corpora, *counted)
    assert (expected.note, expected.severity) == (note, severity)


def test_row_counts_are_compared_with_table_1_or_params_except_for_own_data() -> None:
    sts = expected_rows(CORPORA["sts"], "dev", PUBLISHED, 863, 0)
    assert sts.description == f"Table 1 of the paper says 864 ({HEADER})."
    sst = expected_rows(CORPORA["sst"], "train", SYNTHETIC, 1600, 0)
    assert (sst.rows, sst.description) == (1600, "params.yaml asks for 1,600 examples.")
    own = LocalCorpora(source="local:mine")
    assert expected_rows(CORPORA["sst"], "dev", own, 3, 0) == ExpectedRows("your own data")
