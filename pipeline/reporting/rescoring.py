"""Recomputes the scores of Table 3 from recorded predictions and new copies of the corpora."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core import paths
from pipeline.core.tasks import Corpus
from pipeline.data.reading import read_split
from pipeline.data.sources import write_corpora
from pipeline.errors import ReportError
from pipeline.evaluation.course_format import NUM_DECIMALS
from pipeline.heads.metrics import Values, score
from pipeline.plumbing.params import Params
from pipeline.reporting.markdown import table
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.records import Records, read_params, read_predicted, records_of
from pipeline.reporting.results import Result

HEADER = ("row", "metric", "recorded", "found again", "difference")
ARITHMETIC = 1e-12  # error from summing in a different order


@dataclass(frozen=True)
class Rescored:
    """A row of Table 3 with the recorded and the recomputed score; None if undefined."""

    configuration: str
    metric: str
    recorded: float | None
    found: float | None
    allowed: float  # largest allowed difference

    @property
    def difference(self) -> float | None:
        """Return the recomputed score minus the recorded one."""
        if self.recorded is None or self.found is None:
            return None
        return self.found - self.recorded

    @property
    def agrees(self) -> bool:
        """Return whether both scores are undefined or close enough."""
        if self.difference is None:
            return self.recorded is self.found
        return abs(self.difference) <= self.allowed


def rescore(params: Params, records: Records, corpora: Path) -> list[Rescored]:
    """Score the recorded predictions of every row of Table 3 on the dev sets in a folder.

    Raises:
        ReportError: a record is missing or damaged, or belongs to a different dev set.
        SchemaError: another version wrote a record.
        CorpusError: a corpus cannot be read.
    """
    results = read_outcome(params, {}, records).results
    return [_rescored(records, result, corpora / result.corpus) for result in results]


def rounding_allows(corpus: Corpus, predictions: Values) -> float:
    """Return how much rounding to the course's format may change a score.

    Classes are integers, so the accuracy does not change. Similarities are rounded to six decimal
    places, which changes each by at most h = 5e-7. A correlation is the cosine of two centered
    vectors. If entries change by h, a vector turns by at most 2 h / sd, and its cosine by no more.
    """
    if corpus.has_classes:
        return 0.0
    spread = float(np.std(predictions))
    half_a_step = 0.5 * 10.0**-NUM_DECIMALS
    return 2 * half_a_step / spread + ARITHMETIC if spread else ARITHMETIC


def _rescored(records: Records, result: Result, corpus_dir: Path) -> Rescored:
    corpus = result.of_corpus
    frame = read_split(paths.split_csv(corpus_dir, "dev"), corpus)
    # labels are float32, as in the token cache
    labels = frame.set_index("id")["label"].astype("float32")
    known = read_predicted(records, result.run, corpus.name)
    unknown = set(known.index) - set(labels.index)
    if unknown:
        path = paths.predictions_csv(result.run, corpus.name, "dev")
        raise ReportError(
            f"{records.name_of(path)} predicts {min(unknown)}, which is not in the dev set of "
            f"{corpus.name} as it is made now; {records.if_older}"
        )
    predictions = np.asarray(known.reindex(labels.index))
    return Rescored(
        configuration=result.configuration,
        metric=result.metric,
        recorded=result.score,
        found=score(corpus, predictions, labels.to_numpy()).value,
        allowed=rounding_allows(corpus, predictions),
    )


def rescored(profile: str) -> list[Rescored]:
    """Recompute a profile's scores with new copies of its corpora."""
    records = records_of(profile)
    params = read_params(records)
    with tempfile.TemporaryDirectory() as folder:
        write_corpora(params.active.corpora, params.seed, Path(folder))
        return rescore(params, records, Path(folder))


def rescored_table(rows: Sequence[Rescored]) -> str:
    """Render the recorded and the recomputed scores."""
    cells = [
        (
            row.configuration,
            row.metric,
            *("undefined" if s is None else f"{s:.6f}" for s in (row.recorded, row.found)),
            "–" if row.difference is None else f"{row.difference:+.1e}" if row.difference else "0",
        )
        for row in rows
    ]
    return table(HEADER, cells, right=HEADER[2:])
