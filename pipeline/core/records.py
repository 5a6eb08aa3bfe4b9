"""The JSON files that one stage writes and another reads: a record with a schema for each."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic.dataclasses import dataclass

from pipeline.core import schemas
from pipeline.core.paper import Scheme
from pipeline.core.record import STRICT, Record
from pipeline.core.tasks import CorpusName, IdleHeads, Metric, Mode, PairEncoding, Split

Severity = Literal["critical", "warning", "info"]
Scope = Split | Literal["all"]  # one split, or all splits of a corpus together


@dataclass(frozen=True, config=STRICT)
class Dropped:
    """A row of an upstream file that is not used."""

    split: Split
    id: str
    row: int  # the line where it starts; the header is line 1
    reason: str


@dataclass(frozen=True, config=STRICT)
class SourceFile:
    """A file that a corpus was read from."""

    sha256: str
    bytes: int


class CorpusOrigin(Record):
    """origin.json: where the splits of a corpus come from."""

    SCHEMA = schemas.CORPORA
    source: str
    description: str
    notes: Sequence[str] = ()
    dropped: Sequence[Dropped] = ()
    files: Mapping[str, SourceFile] = {}


@dataclass(frozen=True, config=STRICT)
class Example:
    """A row that violates an expectation."""

    id: str
    text: str
    detail: str  # what is wrong, if the text does not show it; else ""


@dataclass(frozen=True, config=STRICT)
class Finding:
    """The result of one expectation on one split."""

    expectation: str
    split: Scope
    severity: Severity
    success: bool
    description: str  # a sentence that says what is expected
    observed: str  # how many rows differ, and how: "2 of 300 empty"
    unexpected_count: int | None = None  # rows; None if the expectation is about the whole split
    examples: Sequence[Example] = ()

    @property
    def stops(self) -> bool:
        """Return whether the pipeline must stop."""
        return self.severity == "critical" and not self.success


@dataclass(frozen=True, config=STRICT)
class Lengths:
    """Words per sentence; None if there are no sentences."""

    min: int | None = None
    median: float | None = None
    p95: float | None = None
    max: int | None = None


class CorpusReport(Record):
    """What the data page shows about a corpus, with all validation findings."""

    SCHEMA = schemas.VALIDATE
    corpus: CorpusName
    source: str
    counts: Mapping[Split, int]
    paper_counts: Mapping[Split, int]
    count_notes: Mapping[Split, str]  # why the two counts differ; "" if they do not
    dropped: Sequence[Dropped]
    notes: Sequence[str]
    label_balance: Mapping[Split, Mapping[str, int]]
    lengths: Mapping[Split, Lengths]
    length_counts: Mapping[Split, Mapping[str, int]]  # number of sentences by number of words
    findings: Sequence[Finding]  # sorted by split ("all" last), then by name


class TokenCache(Record):
    """cache.json: describes the arrays of a token cache."""

    SCHEMA = schemas.TOKENS
    corpus: CorpusName
    max_length: int
    pad_id: int
    examples: Mapping[Split, int]
    truncated_sentences: Mapping[Split, int]


class FeatureCounts(Record):
    """features.json: the number of stored vectors."""

    SCHEMA = schemas.FEATURES
    examples: Mapping[Split, int]


class RunInputs(Record):
    """inputs/<run>.json: the SHA-256 of each file that a run reads."""

    SCHEMA = schemas.INPUTS
    run: str
    pair_encoding: PairEncoding | None
    files: Mapping[str, str]
    files_of_other_encoding: Mapping[str, str]  # a trial may use them


@dataclass(frozen=True, config=STRICT)
class LeftOut:
    """What the floor of Equation 1 leaves out of an epoch."""

    batches: int
    examples: int


class RunSummary(Record):
    """run.json: how a run was trained, in the terms of params.yaml and Equation 1."""

    SCHEMA = schemas.TRAIN
    run: str
    scheme: Scheme
    mode: Mode
    corpora: Sequence[CorpusName]
    backbone: str
    pair_encoding: PairEncoding | None
    idle_heads: IdleHeads | None
    batch_size: Mapping[CorpusName, int]
    learning_rate: float  # as used: scaled by the profile
    dropout: float
    seed: int
    epochs: int
    best_epoch: int  # 0: no epoch was completed
    best_epoch_of: Mapping[CorpusName, int | None]
    stopped: str | None  # why training ended early
    turns: Mapping[CorpusName, int]  # number of batches of each corpus in a round of Equation 1
    discarded: Mapping[CorpusName, LeftOut]
    pairs_cut: Mapping[CorpusName, Mapping[Split, int]]  # number of truncated joint pairs
    parameters_trained: int
    device: str
    precision: Literal["bf16", "fp32"]  # of the matrix products of the backbone
    versions: Mapping[str, str]

    @property
    def trained_on(self) -> str:
        """Return the device with the precision in parentheses."""
        return f"{self.device} ({self.precision})"


@dataclass(frozen=True, config=STRICT)
class Bin:
    """Examples of similar confidence; for similarities, of similar prediction."""

    low: float
    high: float
    count: int
    predicted: float | None  # mean confidence or prediction; None if the bin is empty
    true: float | None  # fraction of correct predictions, or mean label


@dataclass(frozen=True, config=STRICT)
class Mistake:
    """A wrong prediction."""

    id: str
    label: float
    prediction: float
    confidence: float | None  # probability of the predicted class; None for a similarity


@dataclass(frozen=True, config=STRICT)
class Analysis:
    """Compares predictions with labels, without predictions that are not finite."""

    confusion: Sequence[Sequence[int]]  # counts by [label][prediction]; empty for similarities
    points: Sequence[tuple[float, float]]  # (label, prediction) of similarities
    bins: Sequence[Bin]
    calibration_error: float | None  # expected calibration error
    mistakes: Sequence[Mistake]  # most confident first; for similarities, largest error first
    num_zero: int | None  # predicted similarities of exactly 0, where the ReLU is flat


class DevScore(BaseModel):
    """A run's score on a dev set."""

    model_config = {**STRICT, "frozen": True}
    metric: Metric
    num_examples: int
    score: float | None  # None if undefined
    ci_low: float | None
    ci_high: float | None
    reason: str | None  # why the score is undefined
    secondary: Mapping[str, float | None]  # further metrics
    majority_class: float | None  # accuracy of always predicting the most common class
    best_epoch: int

    @model_validator(mode="after")
    def _has_reason(self) -> Self:
        if self.score is None and self.reason is None:
            raise ValueError("an undefined score has a reason")
        return self


class CorpusScores(DevScore):
    """A run's score on a dev set, with its analysis."""

    analysis: Analysis
    left_out: Mapping[Split, int]  # number of predictions that are not finite


class RunScores(Record):
    """scores/<run>.json: the results of the stage `evaluate`."""

    SCHEMA = schemas.EVALUATE
    run: str
    corpora: Mapping[CorpusName, CorpusScores]
    weights_sha256: str


class TrialSummary(RunSummary):
    """The run.json of a trial, stored inside its scores.json."""

    schema_: Literal["train/3"] = Field("train/3", alias="schema")


class TrialScores(Record):
    """scores.json of a trial."""

    SCHEMA = schemas.TRIALS
    trial: str
    run: str
    trained: TrialSummary
    corpora: Mapping[CorpusName, DevScore]


@dataclass(frozen=True, config=STRICT)
class Difference:
    """The difference between two scores: the second minus the first."""

    value: float
    ci_low: float
    ci_high: float
    p_value: float  # two-sided: how often chance alone gives a difference this large


class Differences(Record):
    """differences.json: multi-task minus single-task, by the multi-task row of Table 3."""

    SCHEMA = schemas.REPORT
    differences: Mapping[str, Difference]


class RecordedParams(Record):
    """params.json: the params in effect; plumbing/params.py checks them."""

    SCHEMA = schemas.REPORT
    params: Mapping[str, Any]


class RecordedTrials(Record):
    """trials.json: the trials in effect; plumbing/trials.py checks them."""

    SCHEMA = schemas.REPORT
    trials: Mapping[str, Any]


class Texts(Record):
    """texts.json: the texts of mistakes by corpus and id, only for generated corpora."""

    SCHEMA = schemas.REPORT
    texts: Mapping[CorpusName, Mapping[str, str]]
