"""Why does frozen multi-task fail in the paper? Heads that have no turn, tried.

The paper's frozen multi-task column has SST .256, Quora .760 (as good as alone) and STS .001 or
NaN, its predictions "all zeros". Frozen heads share nothing, so tasks in conflict cannot be why.
What may be: before torch 2.0 AdamW went on stepping heads that had no turn (training/optimizer.py),
and at the paper's sizes a round is 1 batch of SST, 66 of Quora and 2 of STS.

Here the pipeline's own `Trainer` trains the three heads on stored vectors, as `multitask-pretrain`
does, with the paper's turns or ours, idle heads stepped or skipped, pairs read jointly or
separately, on three kinds of vectors (`Vectors`):

- `minilm`: our backbone's own;
- `bert-like`: of bert-base's kind. Pooled outputs become 0.6 in every dimension, with a random
  sign that all examples share, plus 0.15 of the standardised MiniLM output, cut to [-1, 1];
- `control`: the same without the shared direction.

Quora's head reads means of token vectors, not pooled outputs: it has MiniLM's own in all three.

Seeds and conditions with the same turns and the same idle heads are trained side by side, which
takes a tenth of the time: one trainer, whose heads have a linear layer for each of them, with
initial weights, order of examples, vectors and dropout of its own. Needs the data of profile
laptop; writes reports/dead-heads.json after each training, and goes on from there; then
reports/dead-heads.md and reports/dead-heads.svg.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.dead_heads_page import FIGURE, PAGE, figure, page
from pipeline import paths
from pipeline.batches import Chosen, Indices, on_device, shuffled_batches
from pipeline.device import keep_memory, seed_everything
from pipeline.errors import PipelineError
from pipeline.evaluation.metrics import score
from pipeline.evaluation.predict import VectorExamples, open_examples, predict
from pipeline.files import read_json, write_json, write_text
from pipeline.model.dropout import masked
from pipeline.model.heads import Head
from pipeline.model.multitask import MultitaskBert
from pipeline.params import Params, RunParams, load_params
from pipeline.reporting.dead_heads import (
    HEADS,
    TURNS,
    VECTORS,
    Condition,
    HeadsRun,
    Turns,
    read_dead_heads,
)
from pipeline.reporting.spread import spread_of
from pipeline.tasks import PAIR_ENCODINGS, CorpusName, IdleHeads, Split
from pipeline.training.history import EpochRow
from pipeline.training.loop import Trainer, TrainingPlan
from pipeline.training.round_robin import loss_weights

log = logging.getLogger("benchmarks")

PROFILE = "laptop"
RUN = "multitask-pretrain"
# batches of an epoch at the sizes of Table 1: 8,544, 141,506 and 6,040 examples
NUM_BATCHES: Mapping[Turns, Mapping[CorpusName, int] | None] = {
    "paper": {"sst": 134, "quora": 8845, "sts": 378},
    "ours": None,  # as many as the corpora have here
}
SHARED, OWN = 0.6, 0.15  # of a vector of bert-base's kind: what all have in common, what is its own
DIRECTION, DROPOUT = 1, 2  # streams of random numbers that a seed has beside those of a run
DEV_BATCH = 4096  # heads alone need little memory, and many lanes are scored
Data = Mapping[Split, Mapping[CorpusName, VectorExamples]]


def main(argv: Sequence[str]) -> None:
    """Train what is not there yet, write the numbers after each training, then page and figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="params.yaml's, and those after it")
    parser.add_argument("--turns", choices=TURNS, nargs="+", default=TURNS)
    parser.add_argument("--vectors", choices=VECTORS, nargs="+", default=VECTORS)
    parser.add_argument("--render", action="store_true", help="page and figure of what is there")
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    if not arguments.render:
        params = load_params().model_copy(update={"profile": PROFILE, "device": "cpu"})
        conditions = [
            condition
            for condition in all_conditions()
            if condition.turns in arguments.turns and condition.vectors in arguments.vectors
        ]
        seeds = range(params.seed, params.seed + arguments.seeds)
        train_missing(params, conditions, seeds, paths.DEAD_HEADS)
    told = read_json(paths.DEAD_HEADS)["method"]
    runs = read_dead_heads()
    write_text(PAGE, page(told, runs))
    write_text(FIGURE, figure(told, runs))


def all_conditions() -> list[Condition]:
    """Return every condition, in the order of the page."""
    idle: tuple[IdleHeads, ...] = get_args(IdleHeads)
    return [Condition(*each) for each in product(TURNS, VECTORS, idle, PAIR_ENCODINGS)]


def train_missing(
    params: Params, conditions: Sequence[Condition], seeds: Sequence[int], results: Path
) -> None:
    """Train the seeds of each condition that are not among the results, and add them there."""
    known = read_dead_heads(results) if results.exists() else []
    there = {(run.condition, run.seed) for run in known}
    missing = [key for key in product(conditions, seeds) if key not in there]
    order = all_conditions()
    for turns, idle_heads in dict.fromkeys((c.turns, c.idle_heads) for c, _ in missing):
        together = [
            (condition, seed)
            for condition, seed in missing
            if (condition.turns, condition.idle_heads) == (turns, idle_heads)
        ]
        started = time.monotonic()
        known += trained(params, together)
        known.sort(key=lambda run: (order.index(run.condition), run.seed))
        write_json(results, {"method": method(params), "runs": [_told(run) for run in known]})
        seconds = time.monotonic() - started
        log.info("%s %s: %d heads in %.0f s", turns, idle_heads, len(together), seconds)


def method(params: Params) -> dict[str, Any]:
    """Say what all conditions have in common."""
    run = params.run(RUN)
    return {
        "profile": params.profile,
        "backbone": params.active.backbone,
        "epochs": params.epochs(run),
        "learning_rate": params.learning_rate(run),
        "batch_size": dict(run.batch_size),
        "dropout": run.dropout,
        "torch": torch.__version__.split("+")[0],
    }


def _told(run: HeadsRun) -> dict[str, Any]:
    told = asdict(run)
    told["scores"] = {
        corpus: [None if score is None else round(score, 6) for score in scores]
        for corpus, scores in run.scores.items()
    }
    return told | {"zeros": [round(share, 6) for share in run.zeros]}


def trained(params: Params, together: Sequence[tuple[Condition, int]]) -> list[HeadsRun]:
    """Train conditions, each from a seed, that have turns and idle heads in common."""
    first = together[0][0]
    run = params.run(RUN)
    read = {
        condition: read_data(run, condition, params.seed)
        for condition in dict.fromkeys(condition for condition, _ in together)
    }
    plan = TrainingPlan(
        epochs=params.epochs(run),
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=params.speed.training,
        dev_batch_size=DEV_BATCH,
        seed=together[0][1],
        idle_heads=first.idle_heads,
    )
    lanes = [Lane(seed, read[condition]) for condition, seed in together]
    keep_memory()
    trainer = SideBySide(run, lanes, plan, NUM_BATCHES[first.turns])
    trainer.fit(f"{first.turns} {first.idle_heads}")
    return [
        HeadsRun(
            condition,
            seed,
            {corpus: scores[place] for corpus, scores in trainer.scores.items()},
            trainer.zeros[place],
        )
        for place, (condition, seed) in enumerate(together)
    ]


def read_data(run: RunParams, condition: Condition, seed: int) -> Data:
    """Read a run's stored vectors; make pooled ones what the condition asks for."""
    vectors = condition.vectors
    run = run.model_copy(update={"pair_encoding": condition.pair_encoding})
    cpu = torch.device("cpu")
    splits: tuple[Split, ...] = ("train", "dev")
    data: dict[Split, dict[CorpusName, VectorExamples]] = {
        split: {
            corpus: examples
            for corpus, examples in open_examples(run, split, cpu).items()
            if isinstance(examples, VectorExamples)
        }
        for split in splits
    }
    if vectors == "minilm":
        return data
    for corpus, train in data["train"].items():
        if train.split.corpus.task.pooling == "pooled":
            width = train.vectors.shape[-1]
            shift = shared_direction(width, seed) if vectors == "bert-like" else torch.zeros(width)
            for split in splits:
                made = of_berts_kind(data[split][corpus].vectors, train.vectors, shift)
                data[split][corpus] = replace(data[split][corpus], vectors=made)
    return data


def shared_direction(width: int, seed: int) -> Tensor:
    """Draw what all vectors of bert-base's kind have in common, float [D].

    From a stream of its own: drawn as the heads' weights are, from the same seed, it would be
    correlated with them, and every head be born dead.
    """
    signs = np.random.default_rng([seed, DIRECTION]).integers(0, 2, width) * 2 - 1
    return torch.from_numpy(signs).float() * SHARED


def of_berts_kind(vectors: Tensor, train: Tensor, shift: Tensor) -> Tensor:
    """Return vectors around `shift`, each dimension standardised by the train split, float16.

    Args:
        vectors: of a split, float16 [N, S, D].
        train: those of the train split.
        shift: where they are to lie, float [D].
    """
    known = train.float().flatten(end_dim=1)
    standardised = (vectors.float() - known.mean(dim=0)) / known.std(dim=0)
    return (shift + OWN * standardised).clamp(-1.0, 1.0).half()


@dataclass(frozen=True)
class Lane:
    """One of several trainings side by side."""

    seed: int  # of its heads and its order of examples
    data: Data


class SideBySide(Trainer):
    """A trainer of the same three heads many times over.

    A batch is one of each lane in a row, and each lane's linear layers read their own share of it.
    Nothing is shared but the call: AdamW works element by element, and the sum of all losses gives
    each lane the gradients of its own. Dev sets are scored lane by lane, with plain heads.
    """

    def __init__(
        self,
        run: RunParams,
        lanes: Sequence[Lane],
        plan: TrainingPlan,
        num_batches: Mapping[CorpusName, int] | None = None,
    ) -> None:
        """Draw the heads of each lane.

        Args:
            run: whose heads and dropout.
            lanes: what is trained.
            plan: how.
            num_batches: of each corpus in an epoch, in place of what it has.
        """
        self.lanes = lanes
        self.models = [new_model(run, lane) for lane in lanes]
        train = {
            corpus: Stacked([lane.data["train"][corpus] for lane in lanes])
            for corpus in run.corpora
        }
        super().__init__(joined_model(self.models, plan.seed), train, lanes[0].data["dev"], plan)
        self.stacks = train
        self.labels = {corpus: stack.labels for corpus, stack in train.items()}
        self.num_batches = dict(num_batches or self.num_batches)
        weights = loss_weights(self.num_batches)
        # a loss is the mean over all lanes' examples
        self.weights = {corpus: weight * len(lanes) for corpus, weight in weights.items()}
        self.shufflers = [np.random.default_rng(lane.seed) for lane in lanes]
        self.scores: dict[CorpusName, list[list[float | None]]] = {
            corpus: [[] for _ in lanes] for corpus in train
        }
        self.zeros: list[list[float]] = [[] for _ in lanes]

    def batches_of(self, corpus: CorpusName) -> list[Chosen]:
        """Cut a corpus into an epoch's batches of every lane; begin again where it has too few."""
        stack = self.stacks[corpus]
        each = [list(self._batches(corpus, place)) for place in range(len(self.lanes))]
        rows = [np.concatenate(batches) for batches in zip(*each, strict=True)]
        return on_device(rows, stack.lengths, self.model.device)

    def _batches(self, corpus: CorpusName, place: int) -> Iterator[Indices]:
        """Yield an epoch's batches of one lane, by their places in the stack.

        The smaller one comes last of its pass, so that it does so for all lanes at once.
        """
        left = self.num_batches[corpus]
        while left:
            batches = shuffled_batches(
                self.lanes[place].data["train"][corpus].split.lengths,
                self.plan.batch_size[corpus],
                self.plan.speed.bucket_batches,
                self.shufflers[place],
            )
            batches.sort(key=len, reverse=True)
            yield from (batch + self.stacks[corpus].starts[place] for batch in batches[:left])
            left -= min(left, len(batches))

    def _scored(self, row: EpochRow) -> EpochRow:
        """Score each lane's dev set with its heads by themselves."""
        for place, (lane, model) in enumerate(zip(self.lanes, self.models, strict=True)):
            take_out(self.model, place, model)
            dev = lane.data["dev"][row.corpus]
            predictions = predict(model, dev, self.plan.dev_batch_size)
            result = score(dev.split.corpus, predictions, dev.split.labels)
            self.scores[row.corpus][place].append(result.value)
            if not dev.split.corpus.has_classes:
                self.zeros[place].append(float((predictions == 0).mean()))
        last = [scores[-1] for scores in self.scores[row.corpus]]
        return replace(row, dev_score=spread_of(last).mean)


class Stacked:
    """The train split of each lane in one pile; lanes with the same vectors share a part of it."""

    def __init__(self, lanes: Sequence[VectorExamples]) -> None:
        parts = list({id(examples): examples for examples in lanes}.values())
        start, start_of = 0, {}
        for part in parts:
            start_of[id(part)] = start
            start += len(part.split)
        self.starts = [start_of[id(examples)] for examples in lanes]
        self.split = parts[0].split  # all have as many examples of the same corpus
        self.lengths = np.concatenate([part.split.lengths for part in parts])
        self.labels = torch.cat([torch.from_numpy(np.array(p.split.labels)) for p in parts])
        self.vectors = torch.cat([part.vectors for part in parts])

    def outputs(self, model: MultitaskBert, chosen: Chosen) -> Tensor:
        """Return the heads' outputs on vectors that stay float16 until dropout has chosen."""
        vectors = self.vectors.index_select(0, chosen.indices)
        return model.head_outputs(self.split.corpus.name, vectors)


class Linears(nn.Module):
    """Linear layers side by side: each reads its own share of the rows."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, rows: Tensor) -> Tensor:
        """Return float [P * B, C] for float [P * B, F]: P layers, B rows of each."""
        shares = rows.view(len(self.weight), -1, rows.shape[-1])
        # weights first: the gradient is then a product that takes a tenth of the time
        outputs = torch.baddbmm(self.bias.unsqueeze(-1), self.weight, shares.mT)  # [P, C, B]
        return outputs.mT.flatten(end_dim=1)


class HalfDropout(nn.Module):
    """Dropout that takes float16 and gives float32; its masks cost a tenth of torch's.

    Each element has 15 random bits of its own, so that the fraction is off by 2e-5 at most.
    """

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        self.p = p
        self.bits = np.random.SFC64([seed, DROPOUT])

    def forward(self, values: Tensor) -> Tensor:
        """Set a fraction of the values to 0 and scale the rest."""
        if not (self.training and self.p):
            return values.float()
        words = self.bits.random_raw(-(-values.numel() // 4)).view(np.int16)
        drawn = torch.from_numpy(words[: values.numel()]).view(values.shape)
        num_kept = round((1 - self.p) * 2**15)  # of the values that 15 bits can have
        # below that the difference is negative; its sign, over all bits, is the mask
        keep = drawn.bitwise_and_(2**15 - 1).sub_(num_kept).bitwise_right_shift_(15)
        return masked(values, keep).float().mul_(2**15 / num_kept)


def new_model(run: RunParams, lane: Lane) -> MultitaskBert:
    """Draw the heads of a lane, as `train_run` does."""
    seed_everything(lane.seed)
    width = lane.data["train"]["sst"].vectors.shape[-1]
    return MultitaskBert(None, run.corpora, width, run.dropout)


def joined_model(models: Sequence[MultitaskBert], seed: int) -> MultitaskBert:
    """Put the heads of several models side by side; the seed is of their dropout."""
    joined = deepcopy(models[0])
    for corpus in HEADS:
        heads = [_head(model, corpus) for model in models]
        place: Any = joined.heads[corpus]
        place.linear = Linears([head.linear for head in heads])
        place.dropout = HalfDropout(heads[0].dropout.p, seed)
    return joined


@torch.no_grad()
def take_out(joined: MultitaskBert, place: int, model: MultitaskBert) -> None:
    """Copy the heads at a place of a joined model into a plain one."""
    for corpus in HEADS:
        linear: Any = _head(joined, corpus).linear
        _head(model, corpus).linear.weight.copy_(linear.weight[place])
        _head(model, corpus).linear.bias.copy_(linear.bias[place])


def _head(model: MultitaskBert, corpus: CorpusName) -> Head:
    head = model.heads[corpus]
    if not isinstance(head, Head):
        raise TypeError(f"{corpus} has a {type(head).__name__} for a head")
    return head


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.dead_heads: {error}")
