"""counts: how many rows are asked for, and how a difference from Table 1 is accounted for."""

import pytest

from pipeline.corpora.counts import count_note, expected_rows
from pipeline.params import Cs224nCorpora, SplitSizes, SyntheticCorpora
from pipeline.tasks import CORPORA, CorpusName, Split

PUBLISHED = Cs224nCorpora(source="cs224n", quora_split="published")
CARVED = Cs224nCorpora(source="cs224n", quora_split="carved")
SYNTHETIC = SyntheticCorpora(
    source="synthetic", sizes=dict.fromkeys(CORPORA, SplitSizes(train=1600, dev=8, test=9))
)


@pytest.mark.parametrize(
    ("name", "split", "num_rows", "num_dropped", "note"),
    [
        ("sst", "train", 8544, 0, ""),
        ("cfimdb", "train", 1707, 0, "the published file has 6 rows more"),
        ("cfimdb", "dev", 244, 0, "the published file has 1 row fewer"),
        ("sts", "dev", 863, 0, "Table 1 counts the header line"),
        ("quora", "dev", 20212, 2, "Table 1 counts the header line; 2 rows left out"),
        (
            "quora",
            "train",
            141500,
            1,
            "Table 1 counts the header line; 1 row left out; the published file has 4 rows fewer",
        ),
    ],
)
def test_a_difference_from_table_1_is_accounted_for(
    name: CorpusName, split: Split, num_rows: int, num_dropped: int, note: str
) -> None:
    assert count_note(CORPORA[name], split, PUBLISHED, num_rows, num_dropped) == note


def test_published_rows_are_held_against_table_1() -> None:
    expected = expected_rows(CORPORA["sts"], "dev", PUBLISHED, "because")
    assert (expected.rows, expected.severity) == (864, "warning")
    assert expected.description == "Table 1 of the paper says 864 (because)."


def test_carved_quora_differs_by_design_and_no_other_corpus_does() -> None:
    quora = CORPORA["quora"]
    assert expected_rows(quora, "dev", CARVED, "").severity == "info"
    assert expected_rows(quora, "dev", PUBLISHED, "").severity == "warning"
    assert expected_rows(CORPORA["sts"], "dev", CARVED, "").severity == "warning"
    assert count_note(quora, "dev", CARVED, 4042, 2) == "carved out of quora-dev.csv"
    assert count_note(quora, "test", CARVED, 0, 0) == "no test split when carved"


def test_synthetic_rows_are_held_against_params() -> None:
    expected = expected_rows(CORPORA["sst"], "train", SYNTHETIC, "synthetic")
    assert (expected.rows, expected.severity) == (1600, "critical")
    assert expected.description == "params.yaml asks for 1,600 examples."
    assert count_note(CORPORA["sst"], "train", SYNTHETIC, 1600, 0) == "synthetic"
