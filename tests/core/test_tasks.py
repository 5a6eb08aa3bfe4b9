"""tasks: the corpora as in sections 4.2 to 4.4 of the paper."""

from pipeline.core.tasks import CORPORA, SPLITS

# sentences, vector, objective, metric, outputs, largest label, whether labels are classes
PAPER = {
    "sst": (1, "pooled", "cross_entropy", "accuracy", 5, 4, True),
    "cfimdb": (1, "pooled", "cross_entropy", "accuracy", 2, 1, True),
    "quora": (2, "mean", "binary_cross_entropy", "accuracy", 1, 1, True),
    "sts": (2, "pooled", "mean_squared_error", "pearson", 1, 5, False),
}


def test_corpora_match_the_paper_and_splits_have_the_order_of_table_1() -> None:
    found = {}
    for name, corpus in CORPORA.items():
        task, sizes = corpus.task, (corpus.num_outputs, corpus.max_label, corpus.has_classes)
        found[name] = (task.num_sentences, task.pooling, task.objective, task.metric, *sizes)
        assert corpus.is_pair == (task.num_sentences == 2)
    assert found == PAPER
    assert SPLITS == ("train", "dev", "test")
