"""paper: Tables 1 and 3 as printed, summed up so that one wrong digit shows."""

from statistics import fmean

import pytest

from pipeline.core.paper import TABLE_1, TABLE_3
from pipeline.core.tasks import CORPORA


def test_table_1_has_the_paper_s_sizes() -> None:
    sizes = {name: "/".join(str(n) for n in splits.values()) for name, splits in TABLE_1.items()}
    assert sizes == {
        "sst": "8544/1101/2210",
        "cfimdb": "1701/245/488",
        "quora": "141506/20215/40431",
        "sts": "6041/864/1726",
    }


@pytest.mark.parametrize(
    ("corpus", "scheme", "printed"),
    [
        ("cfimdb", "single-task", "0.722 / 0.959"),
        ("sst", "single-task", "0.382 / 0.530"),
        ("quora", "single-task", "0.761 / 0.885"),
        ("sts", "single-task", "0.615 / 0.852"),
        ("sst", "multi-task", "0.256 / 0.542"),
        ("quora", "multi-task", "0.760 / 0.827"),
        ("sts", "multi-task", "0.001 / 0.864"),
    ],
)
def test_table_3_row_is_as_printed(corpus: str, scheme: str, printed: str) -> None:
    scores = {key[2]: score for key, score in TABLE_3.items() if key[:2] == (corpus, scheme)}
    assert f"{scores['pretrain']:.3f} / {scores['finetune']:.3f}" == printed


def test_table_3_has_fourteen_scores_of_known_corpora() -> None:
    assert len(TABLE_3) == 14
    assert {corpus for corpus, _, _ in TABLE_3} <= set(CORPORA)


def test_finetuning_wins_on_the_whole() -> None:
    means = {
        mode: fmean(score for key, score in TABLE_3.items() if key[2] == mode)
        for mode in ("pretrain", "finetune")
    }
    assert means["finetune"] > means["pretrain"] + 0.2
