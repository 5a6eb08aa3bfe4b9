"""Multi-task against single-task, tested row by row on the same dev examples.

Two intervals that overlap say little: both runs answered the same examples, and what makes an
example hard for both cancels in the difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline import paths
from pipeline.corpora.reading import read_split
from pipeline.evaluation.course_format import read_predictions
from pipeline.evaluation.metrics import Values
from pipeline.evaluation.paired import Difference, holm, paired_bootstrap
from pipeline.params import ConfigurationParams, Params
from pipeline.reporting.records import Records
from pipeline.tasks import CORPORA


def differences(params: Params, data: Records) -> dict[str, dict[str, float]]:
    """Test each multi-task row against the single-task row of its corpus and mode.

    The p-values of a mode are corrected for their number (Holm 1979).

    Returns:
        By the multi-task row's name the multi-task score less the single-task score, with interval
        and p-value. A row is missing where there is no such pair, or a score is undefined.

    Raises:
        ReportError: predictions or a dev set are missing or damaged.
    """
    found: dict[str, dict[str, float]] = {}
    for mode in ("pretrain", "finetune"):
        tested = {
            name: difference
            for name, single, multi in _pairs(params, mode)
            if (difference := _tested(params, data, single, multi))
        }
        corrected = holm([difference.p_value for difference in tested.values()])
        for (name, difference), p_value in zip(tested.items(), corrected, strict=True):
            found[name] = asdict(difference) | {"p_value": p_value}
    return found


def _pairs(
    params: Params, mode: str
) -> Iterator[tuple[str, ConfigurationParams, ConfigurationParams]]:
    """Yield each multi-task row of a mode by name, after the first single-task row like it."""
    rows = [(name, row) for name, row in params.configurations.items()]
    rows = [(name, row) for name, row in rows if params.run(row.run).mode == mode]
    singles: dict[str, ConfigurationParams] = {}
    for _, row in rows:
        if params.run(row.run).scheme == "single-task":
            singles.setdefault(row.corpus, row)
    for name, row in rows:
        if params.run(row.run).scheme == "multi-task" and row.corpus in singles:
            yield name, singles[row.corpus], row


def _tested(
    params: Params, data: Records, single: ConfigurationParams, multi: ConfigurationParams
) -> Difference | None:
    corpus = CORPORA[multi.corpus]
    path = paths.split_csv(paths.corpus_dir(corpus.name), "dev")
    with data.file(path) as file:
        examples = read_split(file, corpus)
    before, after = (_predictions(data, row) for row in (single, multi))
    ids = examples["id"].tolist()
    if not len(ids) == len(before) == len(after):
        return None  # a prediction is no number: so is the score
    pair: tuple[Values, Values] = (
        np.array([before[id_] for id_ in ids]),
        np.array([after[id_] for id_ in ids]),
    )
    return paired_bootstrap(
        corpus.task.metric,
        pair,
        examples["label"].to_numpy(),
        resamples=params.evaluation.bootstrap_resamples,
        confidence=params.evaluation.confidence,
        seed=params.seed,
    )


def _predictions(data: Records, row: ConfigurationParams) -> Mapping[str, Any]:
    """Return a run's predictions of a dev set by example."""
    with data.file(paths.predictions_csv(row.run, row.corpus, "dev")) as file:
        ids, values = read_predictions(file, CORPORA[row.corpus])
        return dict(zip(ids, values, strict=True))
