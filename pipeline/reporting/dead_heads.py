"""Reads and describes the results of the idle-heads experiment, `python -m benchmarks.dead_heads`.

The experiment trains frozen multi-task heads as the paper did and in other ways. The results appear
on the experiment's own page and on the page about section 6 of the paper.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import TypeAdapter

from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.paper import TABLE_3
from pipeline.core.tasks import PAIR_ENCODINGS, CorpusName, IdleHeads, PairEncoding
from pipeline.errors import ReportError
from pipeline.reporting.markdown import page
from pipeline.reporting.results import Spread, spread_of

Turns = Literal["paper", "ours"]  # whose number of batches per corpus and epoch to use
Vectors = Literal["bert-like", "control", "minilm"]  # inputs to the heads that read pooled vectors

TURNS: tuple[Turns, ...] = get_args(Turns)
VECTORS: tuple[Vectors, ...] = get_args(Vectors)
HEADS: tuple[CorpusName, ...] = ("sst", "quora", "sts")  # in the order in which they take turns
PAPER = {name: TABLE_3[name, "multi-task", "pretrain"] for name in HEADS}
COMMAND = "python -m benchmarks.dead_heads"


@dataclass(frozen=True)
class Condition:
    """One way to train the three heads."""

    turns: Turns
    vectors: Vectors
    idle_heads: IdleHeads
    pair_encoding: PairEncoding


@dataclass(frozen=True)
class HeadsRun:
    """The results of training with one condition and seed, by epoch."""

    condition: Condition
    seed: int
    scores: Mapping[CorpusName, Sequence[float | None]]  # dev scores; None if undefined
    zeros: Sequence[float]  # share of STS dev predictions that are exactly 0

    @property
    def is_dead(self) -> bool:
        """Return whether the STS head predicts 0 for every dev example after the last epoch."""
        return self.zeros[-1] == 1.0


@dataclass(frozen=True)
class Group:
    """A group of runs with several seeds and one or more conditions."""

    runs: Sequence[HeadsRun]

    @property
    def num_dead(self) -> int:
        """Count the runs whose STS head is dead after the last epoch."""
        return sum(run.is_dead for run in self.runs)

    @property
    def kills_most(self) -> bool:
        """Return whether at least half of the STS heads are dead after the last epoch."""
        return 2 * self.num_dead >= len(self.runs)

    @property
    def dead(self) -> str:
        """Return how many STS heads are dead after the last epoch, such as "3 of 10"."""
        return f"{self.num_dead} of {len(self.runs)}"

    def last(self, corpus: CorpusName) -> Spread:
        """Summarize the scores after the last epoch; for STS, dead heads are left out."""
        known = [run for run in self.runs if corpus != "sts" or not run.is_dead]
        return spread_of(run.scores[corpus][-1] for run in known)

    def best(self, corpus: CorpusName) -> Spread:
        """Summarize the best score that each run reached in any epoch."""
        known = [[s for s in run.scores[corpus] if s is not None] for run in self.runs]
        return spread_of(max(scores, default=None) for scores in known)


def read_dead_heads(path: Path = paths.DEAD_HEADS) -> list[HeadsRun]:
    """Read the results of the experiment.

    Raises:
        ReportError: the file is missing or damaged.
    """
    try:
        runs = TypeAdapter(list[HeadsRun]).validate_python(read_json(path)["runs"])
        for run in runs:
            epochs = {len(run.scores[name]) for name in HEADS} | {len(run.zeros)}
            if len(epochs) > 1 or not run.zeros:
                raise ValueError(f"epochs are missing of {run}")
        return runs
    except OSError:
        raise ReportError(f"{path} is missing; get it from git, or run `{COMMAND}`") from None
    except (KeyError, ValueError, TypeError):
        raise ReportError(f"{path} is damaged; get it from git, or run `{COMMAND}`") from None


def chosen(runs: Sequence[HeadsRun], **wanted: str) -> Group:
    """Return the runs whose condition has these values."""
    return Group([run for run in runs if wanted.items() <= asdict(run.condition).items()])


def is_apart(first: Spread, second: Spread) -> bool:
    """Return whether two means differ by more than twice the standard error of the difference."""
    if first.mean is None or second.mean is None:
        return False
    variances = [(s.sd or 0.0) ** 2 / max(s.count - s.undefined, 1) for s in (first, second)]
    return abs(first.mean - second.mean) > 2 * math.sqrt(sum(variances))


def _step_and_skip(runs: Sequence[HeadsRun]) -> tuple[Group, Group]:
    """Return the decisive runs that step idle heads, and those that skip idle heads."""
    deciding = chosen(runs, turns="paper", vectors="bert-like").runs
    return chosen(deciding, idle_heads="step"), chosen(deciding, idle_heads="skip")


# conditions that step idle heads and differ from the decisive runs in one setting
ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "on the same vectors without the shared direction": {"turns": "paper", "vectors": "control"},
    "on MiniLM's own": {"turns": "paper", "vectors": "minilm"},
    "on vectors like bert-base's with our turns (1 : 7 : 2)": {
        "turns": "ours",
        "vectors": "bert-like",
    },
}


def similarity_sentences(runs: Sequence[HeadsRun]) -> list[str]:
    """Describe which similarity heads died and what this implies; return paragraphs."""
    step, skip = _step_and_skip(runs)
    groups = {where: chosen(runs, idle_heads="step", **each) for where, each in ELSEWHERE.items()}
    others = {where: group for where, group in groups.items() if group.runs}
    others_live = not any(group.kills_most for group in (skip, *others.values()))
    text = page(
        "dead_similarity",
        step=step,
        skip=skip,
        by_encoding=_by_encoding,
        always=sum(min(run.zeros) == 1.0 for run in step.runs),
        others=others,
        takes_all=step.kills_most and others_live and len(others) == len(ELSEWHERE),
    )
    return text.strip().splitlines()


def _by_encoding(group: Group) -> str:
    """Describe how many heads of a group are dead, by pair encoding."""
    parts = {each: chosen(group.runs, pair_encoding=each) for each in PAIR_ENCODINGS}
    return ", ".join(f"{encoding} {part.dead}" for encoding, part in parts.items() if part.runs)


def sentiment_sentences(runs: Sequence[HeadsRun]) -> list[str]:
    """Describe the two heads that cannot die; return at most one line."""
    step, skip = _step_and_skip(runs)
    text = page(
        "dead_sentiment",
        step=step,
        skip=skip,
        is_apart=is_apart(step.last("sst"), skip.last("sst")),
        paper=PAPER,
        quora_alone=TABLE_3["quora", "single-task", "pretrain"],
    )
    return text.strip().splitlines()
