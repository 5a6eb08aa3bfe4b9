"""Paired tests of multi-task against single-task rows, corrected for multiple tests."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.paired import holm, paired_bootstrap
from pipeline.heads.metrics import Values
from pipeline.plumbing.params import Params
from pipeline.reporting.gathering import differences
from pipeline.reporting.records import records_in_data
from tests.reporting.conftest import write

COUNT = 60
IDS = [f"e{number}" for number in range(COUNT)]
LABELS = np.arange(COUNT) % 2


@pytest.fixture
def dev_sets(params: Params) -> Params:
    """Write dev sets of 60 examples; every run gets those from the 40th on wrong."""
    for corpus in CORPORA.values():
        second = "b" if corpus.is_pair else ""
        rows = [f"{id_},a,{second},{label}" for id_, label in zip(IDS, LABELS, strict=True)]
        text = "\n".join(["id,first,second,label", *rows]) + "\n"
        write(paths.split_csv(paths.corpus_dir(corpus.name), "dev"), text)
        for name, run in params.runs.items():
            if corpus.name in run.corpora:
                predict(name, corpus.name, right=40)
    return params


def answers(right: int) -> Values:
    """Return predictions that are right for the first examples."""
    return np.where(np.arange(COUNT) < right, LABELS, 1 - LABELS)


def predict(run: str, corpus: str, right: int, ids: list[str] = IDS) -> None:
    values = answers(right)[: len(ids)]
    path = paths.predictions_csv(run, corpus, "dev")
    write_predictions(path, ids, values.astype(float).tolist(), CORPORA[corpus])  # type: ignore[index]


def test_each_multi_task_row_is_tested_against_its_single_task_row(dev_sets: Params) -> None:
    """The p-values of a mode are corrected for multiple tests."""
    predict("multitask-finetune", "sst", right=55)
    predict("multitask-finetune", "quora", right=43)
    found = differences(dev_sets, records_in_data())
    assert set(found) == {name for name in dev_sets.configurations if "multitask" in name}
    assert found["sst-multitask-pretrain"].value == 0
    alone = [
        paired_bootstrap(
            metric,
            (answers(right=40), answers(right)),
            LABELS,
            resamples=dev_sets.evaluation.bootstrap_resamples,
            confidence=dev_sets.evaluation.confidence,
            seed=dev_sets.seed,
        )
        for metric, right in (("accuracy", 55), ("accuracy", 43), ("pearson", 40))
    ]
    corrected = holm([each.p_value for each in alone if each])
    for corpus, each, p_value in zip(("sst", "quora", "sts"), alone, corrected, strict=True):
        assert each
        assert found[f"{corpus}-multitask-finetune"] == replace(each, p_value=p_value)


def test_a_run_with_predictions_left_out_is_not_tested(dev_sets: Params) -> None:
    predict("multitask-finetune", "sst", right=20, ids=IDS[:50])
    assert "sst-multitask-finetune" not in differences(dev_sets, records_in_data())
