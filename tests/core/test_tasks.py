"""tasks: what sections 4.2 to 4.4 of the paper say of each corpus."""

import pytest

from pipeline.core.tasks import CORPORA, SPLITS, CorpusName


@pytest.mark.parametrize(
    ("name", "num_sentences", "pooling", "objective", "metric", "num_outputs", "max_label"),
    [
        ("sst", 1, "pooled", "cross_entropy", "accuracy", 5, 4),
        ("cfimdb", 1, "pooled", "cross_entropy", "accuracy", 2, 1),
        ("quora", 2, "mean", "binary_cross_entropy", "accuracy", 1, 1),
        ("sts", 2, "pooled", "mean_squared_error", "pearson", 1, 5),
    ],
)
def test_corpus_is_as_in_the_paper(  # noqa: PLR0913  (a row of a table)
    name: CorpusName,
    num_sentences: int,
    pooling: str,
    objective: str,
    metric: str,
    num_outputs: int,
    max_label: int,
) -> None:
    corpus = CORPORA[name]
    assert corpus.name == name
    assert corpus.task.num_sentences == num_sentences
    assert corpus.is_pair == (num_sentences == 2)
    assert corpus.task.pooling == pooling
    assert corpus.task.objective == objective
    assert corpus.task.metric == metric
    assert (corpus.num_outputs, corpus.max_label) == (num_outputs, max_label)


def test_only_similarity_has_no_classes() -> None:
    assert [name for name, corpus in CORPORA.items() if not corpus.has_classes] == ["sts"]


def test_splits_are_in_the_order_of_table_1() -> None:
    assert SPLITS == ("train", "dev", "test")
