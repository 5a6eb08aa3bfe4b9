"""Defines the data of a report: one `Result` per row of Table 3, and the results of runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from pydantic import FiniteFloat
from pydantic.dataclasses import dataclass as checked_dataclass

from pipeline.core.paper import Scheme
from pipeline.core.records import CorpusReport, CorpusScores, Difference, RunSummary
from pipeline.core.tasks import CORPORA, Corpus, CorpusName, Mode
from pipeline.plumbing.trials import Changes
from pipeline.reporting.markdown import fixed


@dataclass(frozen=True)
class Spread:
    """Statistics of a score over seeds; None if there are too few scores."""

    count: int  # number of seeds
    undefined: int  # number of seeds without a score; the statistics below exclude them
    mean: float | None
    sd: float | None  # sample standard deviation (divides by the number of scores minus one)
    worst: float | None
    best: float | None

    @property
    def brief(self) -> str:
        """Format the mean and the standard deviation."""
        if self.mean is None:
            return "–"
        return f"{self.mean:.3f}" + ("" if self.sd is None else f" ± {self.sd:.3f}")

    @property
    def shown(self) -> str:
        """Format the mean, the standard deviation and the number of scores."""
        if self.mean is None:
            return f"undefined ({self.count} of {self.count})"
        of = f"{self.count - self.undefined} of {self.count}, others undefined"
        return f"{self.brief} ({of if self.undefined else self.count})"


def spread_of(scores: Iterable[float | None]) -> Spread:
    """Summarize the scores of several seeds; None means an undefined score."""
    found = list(scores)
    known = [score for score in found if score is not None]
    return Spread(
        count=len(found),
        undefined=len(found) - len(known),
        mean=mean(known) if known else None,
        sd=stdev(known) if len(known) > 1 else None,
        worst=min(known, default=None),
        best=max(known, default=None),
    )


class Result(CorpusScores):
    """One configuration with its settings, our score and the paper's score."""

    configuration: str
    run: str
    task: str
    corpus: CorpusName
    scheme: Scheme
    mode: Mode
    learning_rate: float  # the rate in use: the run's, scaled by the profile
    batch_size: int
    paper_score: float | None  # None if the paper has no such row
    stopped: bool  # whether training ended before its last epoch
    seeds: Spread | None = None  # statistics, if the run was trained with several seeds
    over_single: Difference | None = None  # score minus the single-task row's, if multi-task

    @property
    def is_papers(self) -> bool:
        """Return whether the paper has this row; the others belong to added runs."""
        return self.paper_score is not None

    @property
    def of_corpus(self) -> Corpus:
        """Return the `Corpus` of this row."""
        return CORPORA[self.corpus]

    @property
    def name(self) -> str:
        """Return the scheme, followed by the run if the paper has no such row."""
        return self.scheme if self.is_papers else f"{self.scheme}: {self.run}"

    @property
    def shown(self) -> str:
        """Format the score."""
        return fixed(self.score, "undefined")

    @property
    def interval(self) -> str:
        """Format the interval with a leading space; return "" if there is none."""
        return "" if self.ci_low is None else f" [{self.ci_low:.3f}, {self.ci_high:.3f}]"

    def holds(self, score: float) -> bool | None:
        """Return whether the interval contains a score; None if there is no interval."""
        if self.ci_low is None or self.ci_high is None:
            return None
        return self.ci_low <= score <= self.ci_high


@checked_dataclass(frozen=True)
class EpochScore:
    """A run's steps and dev score on a corpus in one epoch; None if undefined."""

    epoch: int
    corpus: CorpusName
    dev_score: FiniteFloat | None
    steps: int
    note: str  # what went wrong, or ""
    train_loss: FiniteFloat | None = None


class Trained(RunSummary):
    """A run's training summary, with hashes of its input files and of its weights."""

    files: Mapping[str, str]  # SHA-256 of each file it reads
    weights_sha256: str

    @property
    def left_out(self) -> str:
        """Describe how many training examples of each corpus Equation 1's floor leaves out."""
        counts = [(self.discarded[corpus].examples, corpus) for corpus in self.corpora]
        return ", ".join(f"{count:,} {corpus}" for count, corpus in counts if count) or "none"


@dataclass(frozen=True)
class Tried:
    """A row of Table 3 in a trial, which trains its run with a different seed or settings."""

    trial: str
    seed: int
    changes: Changes  # settings that differ from the run's, except the seed
    result: Result  # with the trial's score; the settings are the run's
    device: str = ""  # with the precision of its matrix products in parentheses

    @property
    def has_changes(self) -> bool:
        """Return whether anything other than the seed differs from the run."""
        return self.changes != Changes()


@dataclass(frozen=True)
class Outcome:
    """The content of a report."""

    results: Sequence[Result]
    summaries: Mapping[str, Trained]  # by run
    histories: Mapping[str, Sequence[EpochScore]]  # by run
    validations: Mapping[CorpusName, CorpusReport]
    texts: Mapping[CorpusName, Mapping[str, str]]  # of mistakes, by id; generated corpora only
    tried: Sequence[Tried] = ()  # results of the trials of a sweep and of the readings

    def history(self, result: Result) -> list[EpochScore]:
        """Return the epochs of a row's run on its corpus."""
        return [row for row in self.histories[result.run] if row.corpus == result.corpus]

    def scores(self, result: Result) -> dict[int, float | None]:
        """Return a row's dev score after each epoch."""
        return {row.epoch: row.dev_score for row in self.history(result)}

    def best_epoch(self, result: Result) -> EpochScore | None:
        """Return a row's own best epoch, the earliest if tied; None if no score is defined."""
        known = [row for row in self.history(result) if row.dev_score is not None]
        return max(known, key=lambda row: (row.dev_score, -row.epoch), default=None)
