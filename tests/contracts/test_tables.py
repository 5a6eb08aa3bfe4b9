"""Tables by corpus, task or metric are complete: mypy does not notice a missing entry.

Failures list what is left to do when a corpus is added (docs/adding.md).
"""

from importlib import import_module
from typing import Any, get_args

import pytest

from pipeline.core.tasks import CORPORA, CorpusName, Metric, TaskName

BY_CORPUS = (
    "pipeline.core.tasks.CORPORA",
    "pipeline.data.sources.UPSTREAM",
    "pipeline.data.reading.LABEL_COLUMNS",
    "pipeline.data.synthetic.COMPOSERS",
    "pipeline.validation.expectations.LIMITS",
    "pipeline.core.paper.TABLE_1",
)
NAMES = {
    **dict.fromkeys(BY_CORPUS, get_args(CorpusName)),
    "pipeline.evaluation.course_format.FIRST_LINES": get_args(TaskName),
    "pipeline.heads.metrics.METRICS": get_args(Metric),
    "pipeline.serving.card.METRIC_TYPES": get_args(Metric),
}


def table(name: str) -> Any:
    module, attribute = name.rsplit(".", 1)
    return getattr(import_module(module), attribute)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_exactly_one_entry_for_each_key(name: str) -> None:
    assert sorted(table(name)) == sorted(NAMES[name])


def test_every_class_of_every_corpus_has_a_meaning() -> None:
    meanings = {
        name: len(meanings) for name, meanings in table("pipeline.serving.answers.MEANINGS").items()
    }
    assert meanings == {
        name: corpus.max_label + 1 for name, corpus in CORPORA.items() if corpus.has_classes
    }
