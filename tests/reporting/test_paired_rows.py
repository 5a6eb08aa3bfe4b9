"""Multi-task rows against single-task rows: on the same examples, corrected for their number."""

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.evaluation.course_format import write_predictions
from pipeline.evaluation.paired import holm, paired_bootstrap
from pipeline.plumbing.params import Params
from pipeline.reporting.gathering import differences
from pipeline.reporting.records import records_in_data
from tests.reporting.conftest import write

COUNT = 60
IDS = [f"e{number}" for number in range(COUNT)]
LABELS = np.arange(COUNT) % 2


@pytest.fixture
def dev_sets(params: Params) -> Params:
    """Write dev sets of 60 examples, which every run gets wrong from the 40th on."""
    for corpus in CORPORA.values():
        second = "b" if corpus.is_pair else ""
        rows = [f"{id_},a,{second},{label}" for id_, label in zip(IDS, LABELS, strict=True)]
        text = "\n".join(["id,first,second,label", *rows]) + "\n"
        write(paths.split_csv(paths.corpus_dir(corpus.name), "dev"), text)
        for name, run in params.runs.items():
            if corpus.name in run.corpora:
                predict(name, corpus.name, right=40)
    return params


def predict(run: str, corpus: str, right: int, ids: list[str] = IDS) -> None:
    """Write predictions that are right for so many examples, the first ones."""
    values = np.where(np.arange(COUNT) < right, LABELS, 1 - LABELS)[: len(ids)]
    path = paths.predictions_csv(run, corpus, "dev")
    write_predictions(path, ids, values.astype(float).tolist(), CORPORA[corpus])  # type: ignore[index]


def test_each_multi_task_row_is_tested_against_the_single_task_row_like_it(
    dev_sets: Params,
) -> None:
    predict("multitask-finetune", "sst", right=55)
    found = differences(dev_sets, records_in_data())
    rows = [name for name in dev_sets.configurations if "multitask" in name]
    assert set(found) == set(rows)
    better = found["sst-multitask-finetune"]
    assert better["value"] == pytest.approx(15 / 60)
    assert better["ci_low"] > 0
    assert found["sst-multitask-pretrain"]["value"] == 0


def test_p_values_of_a_mode_are_corrected_for_their_number(dev_sets: Params) -> None:
    predict("multitask-finetune", "sst", right=55)
    predict("multitask-finetune", "quora", right=43)
    single = [np.where(np.arange(COUNT) < 40, LABELS, 1 - LABELS)] * 3
    multi = [np.where(np.arange(COUNT) < right, LABELS, 1 - LABELS) for right in (55, 43, 40)]
    alone = [
        paired_bootstrap(
            metric,
            (before, after),
            LABELS,
            resamples=dev_sets.evaluation.bootstrap_resamples,
            confidence=dev_sets.evaluation.confidence,
            seed=dev_sets.seed,
        )
        for metric, before, after in zip(
            ("accuracy", "accuracy", "pearson"), single, multi, strict=True
        )
    ]
    found = differences(dev_sets, records_in_data())
    corrected = [
        found[f"{corpus}-multitask-finetune"]["p_value"] for corpus in ("sst", "quora", "sts")
    ]
    assert corrected == pytest.approx(holm([each.p_value for each in alone if each]))


def test_a_run_with_predictions_left_out_is_not_tested(dev_sets: Params) -> None:
    predict("multitask-finetune", "sst", right=20, ids=IDS[:50])
    assert "sst-multitask-finetune" not in differences(dev_sets, records_in_data())
