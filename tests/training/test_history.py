"""History: one row per epoch and corpus, and the best epoch."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.tasks import CorpusName
from pipeline.training.history import EpochRow, best_epoch_of, mean_score, write_history


def row(epoch: int, score: float | None, corpus: CorpusName = "sts") -> EpochRow:
    return EpochRow(epoch, corpus, 10, 160, 1.25, 3.5, "pearson", score, "")


def test_the_best_epoch_is_the_first_with_the_highest_score() -> None:
    history = [row(1, 0.2), row(2, 0.5), row(3, 0.5), row(4, None), row(1, 0.9, "sst")]
    assert best_epoch_of(history, "sts") == 2
    assert best_epoch_of([row(1, None), row(2, None)], "sts") is None
    assert best_epoch_of([row(1, 0.2), row(2, -0.5)], "sts") == 1


def test_epochs_are_ranked_by_mean_score_and_undefined_comes_last() -> None:
    assert mean_score([row(1, 0.2), row(1, 0.6, "sst")]) == pytest.approx(0.4)
    assert mean_score([row(1, None)]) < mean_score([row(1, -0.99)])


def test_the_file_has_empty_fields_for_undefined_values_and_quotes_notes(tmp_path: Path) -> None:
    rows = [row(1, 0.5), replace(row(2, None), train_loss=None, note='a "dead" head, again')]
    write_history(tmp_path / "history.csv", rows)
    assert (tmp_path / "history.csv").read_text() == (
        "epoch,corpus,steps,examples,train_loss,gradient_norm,dev_metric,dev_score,note\n"
        "1,sts,10,160,1.250000,3.500000,pearson,0.500000,\n"
        '2,sts,10,160,,3.500000,pearson,,"a ""dead"" head, again"\n'
    )
