"""What `python -m benchmarks.dead_heads` found out about heads that have no turn.

The experiment trains frozen multi-task heads as the paper did and in other ways; its results are
read here for its own page and for section 6 of the paper.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline import paths
from pipeline.errors import ReportError
from pipeline.files import read_json
from pipeline.paper import TABLE_3
from pipeline.reporting.spread import Spread, spread_of
from pipeline.tasks import CorpusName, IdleHeads, PairEncoding

Turns = Literal["paper", "ours"]  # whose number of batches the corpora have in an epoch
Vectors = Literal["bert-like", "control", "minilm"]  # what heads on pooled outputs read

TURNS: tuple[Turns, ...] = get_args(Turns)
VECTORS: tuple[Vectors, ...] = get_args(Vectors)
HEADS: tuple[CorpusName, ...] = ("sst", "quora", "sts")  # in the order of their turns
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
    """The heads of one seed under one condition, after each epoch."""

    condition: Condition
    seed: int
    scores: Mapping[CorpusName, Sequence[float | None]]  # on the dev set; None: undefined
    zeros: Sequence[float]  # the share of STS dev predictions that are exactly 0

    @property
    def is_dead(self) -> bool:
        """Say whether the STS head predicts 0 for every dev example after the last epoch."""
        return self.zeros[-1] == 1.0

    def last(self, corpus: CorpusName) -> float | None:
        """Return a dev score after the last epoch."""
        return self.scores[corpus][-1]

    def best(self, corpus: CorpusName) -> float | None:
        """Return the highest dev score of all epochs."""
        known = [score for score in self.scores[corpus] if score is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class Group:
    """Several seeds, of one condition or of several, summed up."""

    runs: Sequence[HeadsRun]

    @property
    def num_dead(self) -> int:
        """Count the seeds whose STS head is dead at the end."""
        return sum(run.is_dead for run in self.runs)

    @property
    def kills_most(self) -> bool:
        """Say whether half of the STS heads or more are dead at the end."""
        return 2 * self.num_dead >= len(self.runs)

    @property
    def dead(self) -> str:
        """Say how many of the STS heads are dead at the end."""
        return f"{self.num_dead} of {len(self.runs)}"

    def last(self, corpus: CorpusName) -> Spread:
        """Sum up the scores after the last epoch; of STS, those of heads that are not dead."""
        return spread_of(
            run.last(corpus) for run in self.runs if corpus != "sts" or not run.is_dead
        )

    def best(self, corpus: CorpusName) -> Spread:
        """Sum up each seed's best score of all epochs."""
        return spread_of(run.best(corpus) for run in self.runs)


def read_dead_heads(path: Path = paths.DEAD_HEADS) -> list[HeadsRun]:
    """Read the results of the experiment.

    Raises:
        ReportError: the file is missing or damaged.
    """
    try:
        return [_run_of(told) for told in read_json(path)["runs"]]
    except OSError:
        raise ReportError(f"{path} is missing; get it from git, or run `{COMMAND}`") from None
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ReportError(f"{path} is damaged; get it from git, or run `{COMMAND}`") from None


def _run_of(told: Mapping[str, Any]) -> HeadsRun:
    condition = Condition(**told["condition"])
    scores: dict[CorpusName, list[float | None]] = {name: told["scores"][name] for name in HEADS}
    zeros = [float(share) for share in told["zeros"]]
    if not zeros or any(len(epochs) != len(zeros) for epochs in scores.values()):
        raise ValueError(f"epochs are missing of {told}")
    return HeadsRun(condition, int(told["seed"]), scores, zeros)


def chosen(runs: Sequence[HeadsRun], **wanted: str) -> Group:
    """Return the runs whose condition has these values."""
    return Group(
        [
            run
            for run in runs
            if all(getattr(run.condition, name) == value for name, value in wanted.items())
        ]
    )


def is_apart(first: Spread, second: Spread) -> bool:
    """Say whether two means differ by more than twice the standard error of their difference."""
    if first.mean is None or second.mean is None:
        return False
    variances = [(s.sd or 0.0) ** 2 / max(s.count - s.undefined, 1) for s in (first, second)]
    return abs(first.mean - second.mean) > 2 * math.sqrt(sum(variances))


def similarity_told(runs: Sequence[HeadsRun]) -> Iterator[str]:
    """Say which similarity heads died, and what follows."""
    step = chosen(runs, turns="paper", vectors="bert-like", idle_heads="step")
    skip = chosen(runs, turns="paper", vectors="bert-like", idle_heads="skip")
    if not (step.runs and skip.runs):
        return
    yield (
        f"At the paper's turns, on vectors of bert-base's kind, {step.dead} STS heads predict 0 "
        "for every dev example after the last epoch if idle heads are stepped "
        f"({_by_encoding(step)}), and {skip.dead} if they are skipped ({_by_encoding(skip)}). "
        f"{_deaths_mean(step, skip)}"
    )
    if step.num_dead:
        always = sum(min(run.zeros) == 1.0 for run in step.runs)
        yield (
            f"{always} of the {step.num_dead} are dead after every epoch; the paper had zeros in "
            "some epochs, and in others correlations of 0.001 or below 0."
        )
    others = {
        where: group
        for where, turns, vectors in ELSEWHERE
        if (group := chosen(runs, turns=turns, vectors=vectors, idle_heads="step")).runs
    }
    if others:
        told = ", ".join(f"{group.dead} {where}" for where, group in others.items())
        yield f"With idle heads stepped elsewhere, dead are {told}."
    others_live = not any(group.kills_most for group in (skip, *others.values()))
    if step.kills_most and others_live and len(others) == len(ELSEWHERE):
        yield "It takes all three: idle heads stepped, a shared direction, and many idle turns."


# where idle heads are stepped with one thing changed
ELSEWHERE: Sequence[tuple[str, Turns, Vectors]] = (
    ("on the same vectors without the shared direction", "paper", "control"),
    ("on MiniLM's own", "paper", "minilm"),
    ("on vectors of bert-base's kind at our turns (1 : 7 : 2)", "ours", "bert-like"),
)


def _by_encoding(group: Group) -> str:
    """Split a group's dead by how pairs are read."""
    parts = {
        encoding: chosen(group.runs, pair_encoding=encoding) for encoding in ("joint", "separate")
    }
    return ", ".join(f"{encoding} {part.dead}" for encoding, part in parts.items() if part.runs)


def _deaths_mean(step: Group, skip: Group) -> str:
    if step.num_dead == 0:
        return "Idle heads do not explain the paper's zeros: stepping them kills none here."
    if skip.kills_most:
        return "Idle heads do not explain the paper's zeros: skipped, most heads die as well."
    if step.kills_most:
        return (
            "Stepping idle heads is enough for the paper's zeros on such vectors; no task has to "
            "disturb another."
        )
    return "Stepping idle heads kills some heads but not most: it may be a part of the reason."


def sentiment_told(runs: Sequence[HeadsRun]) -> Iterator[str]:
    """Say what became of the two heads that cannot die."""
    step = chosen(runs, turns="paper", vectors="bert-like", idle_heads="step")
    skip = chosen(runs, turns="paper", vectors="bert-like", idle_heads="skip")
    if not (step.runs and skip.runs):
        return
    paper = {name: TABLE_3[name, "multi-task", "pretrain"] for name in HEADS}
    yield (
        f"On vectors of bert-base's kind SST ends at {shown(step.last('sst'))} if idle heads are "
        f"stepped and at {shown(skip.last('sst'))} if they are skipped; its best epochs have "
        f"{shown(step.best('sst'))} and {shown(skip.best('sst'))} (paper: {paper['sst']:.3f}). "
        f"{_sentiment_means(step.last('sst'), skip.last('sst'))} Quora ends at "
        f"{shown(step.last('quora'))} and {shown(skip.last('quora'))} (paper: "
        f"{paper['quora']:.3f}, {TABLE_3['quora', 'single-task', 'pretrain']:.3f} alone)."
    )


def _sentiment_means(step: Spread, skip: Spread) -> str:
    if not is_apart(step, skip):
        return "The two do not differ by more than chance."
    if (step.mean or 0.0) < (skip.mean or 0.0):
        return "Stepping idle heads lowers it, though no other task has a say in its head."
    return "Stepping idle heads raises it, so that it does not explain the paper's fall."


def shown(spread: Spread) -> str:
    """Show a mean and its standard deviation."""
    if spread.mean is None:
        return "–"
    return f"{spread.mean:.3f}" + ("" if spread.sd is None else f" ± {spread.sd:.3f}")


NOT_SHOWN = (
    "Not shown: that bert-base's pooled vectors are of this kind. Its weights were not at hand; "
    "profile `paper` reads them, and can show it. Nor does the paper say which torch it used: the "
    "course's template of 2023 pins 1.8.0, which steps idle heads."
)
