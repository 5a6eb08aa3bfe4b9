"""paper: Tables 1 and 3 as printed."""

from pipeline.core.paper import TABLE_1, TABLE_3
from pipeline.core.tasks import SPLITS

PRINTED_1 = """
sst 8544 1101 2210
cfimdb 1701 245 488
quora 141506 20215 40431
sts 6041 864 1726
"""
PRINTED_3 = """
cfimdb single-task 0.722 0.959
sst single-task 0.382 0.530
quora single-task 0.761 0.885
sts single-task 0.615 0.852
sst multi-task 0.256 0.542
quora multi-task 0.760 0.827
sts multi-task 0.001 0.864
"""


def test_tables_1_and_3_are_as_printed() -> None:
    assert {
        corpus: dict(zip(SPLITS, map(int, sizes), strict=True))
        for corpus, *sizes in rows_of(PRINTED_1)
    } == TABLE_1
    assert {
        (corpus, scheme, mode): float(score)
        for corpus, scheme, *scores in rows_of(PRINTED_3)
        for mode, score in zip(("pretrain", "finetune"), scores, strict=True)
    } == TABLE_3


def rows_of(table: str) -> list[list[str]]:
    return [line.split() for line in table.split("\n") if line]
