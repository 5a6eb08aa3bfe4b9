"""Tests whether idle heads explain why frozen multi-task fails in the paper.

The paper's frozen multi-task scores are .256 for SST, .760 for Quora (as good as single-task) and
.001 or NaN for STS, with predictions that are "all zeros". Frozen heads share no parameters, so a
conflict between tasks cannot be the cause. A possible cause is that before torch 2.0, AdamW kept
updating heads that had no turn (training/optimizer.py). With the paper's corpus sizes, a round has
1 batch of SST, 66 of Quora and 2 of STS.

The pipeline's own `Trainer` trains the three heads on stored vectors, as in `multitask-pretrain`.
The conditions combine the paper's turns or ours, idle heads stepped or skipped, pairs read jointly
or separately, and three kinds of vectors, which texts/dead-heads.md.jinja explains.

This needs the data of profile laptop and takes hours. It writes reports/dead-heads.json after each
run, skips the runs that are already there, and finally writes reports/dead-heads.md.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.results import filled, run_command, write_page
from pipeline.core import paths
from pipeline.core.files import read_json, write_json
from pipeline.core.tasks import PAIR_ENCODINGS, CorpusName, IdleHeads, PairEncoding, Split
from pipeline.encoder.batches import Chosen
from pipeline.encoder.device import keep_memory
from pipeline.heads.examples import VectorExamples, open_examples
from pipeline.heads.model import MultitaskBert
from pipeline.heads.predict import predict
from pipeline.plumbing.params import Params, RunParams, load_params
from pipeline.reporting.dead_heads import (
    COMMAND,
    PAPER,
    TURNS,
    VECTORS,
    Condition,
    HeadsRun,
    Turns,
    Vectors,
    chosen,
    read_dead_heads,
    sentiment_sentences,
    similarity_sentences,
)
from pipeline.reporting.drawing import FAINT, Sheet, drawn, labeled
from pipeline.training.loop import Trainer, TrainingPlan, plan_of
from pipeline.training.round_robin import loss_weights

log = logging.getLogger("benchmarks")

PROFILE = "laptop"
RUN = "multitask-pretrain"
# batches per epoch with the corpus sizes of Table 1: 8,544, 141,506 and 6,040 examples
NUM_BATCHES: Mapping[Turns, Mapping[CorpusName, int]] = {
    "paper": {"sst": 134, "quora": 8845, "sts": 378},
    "ours": {},  # empty: use all batches of our corpora
}
SHARED, OWN = 0.6, 0.15  # scales of the shared direction and of a vector's individual part
DIRECTION = 1  # combined with a seed to get a separate random stream
DEV_BATCH = 4096  # large, because heads alone need little memory
Data = Mapping[Split, Mapping[CorpusName, VectorExamples]]
CONDITIONS = [
    Condition(*each) for each in product(TURNS, VECTORS, get_args(IdleHeads), PAIR_ENCODINGS)
]
COLUMNS: Mapping[Vectors, str] = {  # columns of the figure
    "bert-like": "vectors like bert-base's",
    "control": "control: no shared direction",
    "minilm": "MiniLM's own vectors",
}
COLORS: Mapping[IdleHeads, str] = {"step": "#D55E00", "skip": "#0072B2"}
STYLES: Mapping[PairEncoding, str] = {"joint": "-", "separate": ":"}


def main(argv: Sequence[str]) -> None:
    """Train the missing runs, write the numbers after each one, and finally write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    text = "number; the first is params.yaml's; 0 only writes the page and the figure"
    parser.add_argument("--seeds", type=int, default=10, help=text)
    params = load_params().model_copy(update={"profile": PROFILE, "device": "cpu"})
    seeds = range(params.seed, params.seed + parser.parse_args(argv).seeds)
    train_missing(params, CONDITIONS, seeds, paths.DEAD_HEADS)
    write_page("dead-heads.md", page(paths.DEAD_HEADS))
    write_page("dead-heads.svg", figure(read_dead_heads(paths.DEAD_HEADS)))


def page(results: Path) -> str:
    """Render the page from a file of results."""
    runs = read_dead_heads(results)
    conditions = dict.fromkeys(run.condition for run in runs)
    return filled(
        "dead-heads",
        method=read_json(results)["method"],
        command=COMMAND,
        found=[*similarity_sentences(runs), *sentiment_sentences(runs)],
        groups={each: chosen(runs, **asdict(each)) for each in conditions},
        paper=PAPER,
    )


def figure(runs: Sequence[HeadsRun]) -> str:
    """Draw all runs with the paper's turns by epoch, as SVG; undefined scores leave gaps."""

    def draw(paper: Figure) -> None:
        panels = paper.subplots(3, len(COLUMNS), sharex=True, sharey="row", squeeze=False)
        for column, (vectors, title) in enumerate(COLUMNS.items()):
            sst, sts, zeros = panels[:, column]
            for run in chosen(runs, turns="paper", vectors=vectors).runs:
                idle_heads, encoding = run.condition.idle_heads, run.condition.pair_encoding
                style: dict[str, Any] = {"color": COLORS[idle_heads], "linestyle": STYLES[encoding]}
                style |= {"label": f"{idle_heads}, {encoding}", "linewidth": 0.9, "alpha": 0.6}
                epochs = range(1, len(run.zeros) + 1)
                sst.plot(epochs, run.scores["sst"], **style)
                sts.plot(epochs, run.scores["sts"], **style)
                zeros.plot(epochs, run.zeros, **style)
            for axes, score in ((sst, PAPER["sst"]), (sts, PAPER["sts"])):
                axes.axhline(score, color="black", linestyle="-.", label="paper", **FAINT)
            labeled(sst, "", "SST accuracy" if column == 0 else "", title)
            labeled(sts, "", "STS correlation" if column == 0 else "")
            labeled(zeros, "epoch", "STS: share of zeros" if column == 0 else "")
        handles = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
        paper.legend(handles.values(), handles, loc="lower center", ncols=len(handles))

    head = "the paper's turns (1 SST : 66 Quora : 2 STS); a line for each seed, where it is defined"
    return drawn(Sheet(9, 7.2, top=0.8, between_columns=0.25, between_rows=0.25), head, draw)


def train_missing(
    params: Params, conditions: Sequence[Condition], seeds: Sequence[int], results: Path
) -> None:
    """Train each condition and seed that the results file does not contain, and add it."""
    run = params.run(RUN)
    method = {  # settings that all conditions share
        "profile": params.profile,
        "backbone": params.active.backbone,
        "epochs": params.epochs(run),
        "learning_rate": params.learning_rate(run),
        "batch_size": dict(run.batch_size),
        "dropout": run.dropout,
        "torch": torch.__version__.split("+")[0],
    }
    known = read_dead_heads(results) if results.exists() else []
    there = {(run.condition, run.seed) for run in known}
    for condition, seed in product(conditions, seeds):
        if (condition, seed) in there:
            continue
        plan = replace(plan_of(params, run), dev_batch_size=DEV_BATCH, seed=seed)
        plan = replace(plan, idle_heads=condition.idle_heads)
        data = read_data(run, condition, params.seed)
        scores, zeros = fitted(run, data, plan, NUM_BATCHES[condition.turns])
        known.append(HeadsRun(condition, seed, scores, zeros))
        known.sort(key=lambda run: (CONDITIONS.index(run.condition), run.seed))
        write_json(results, {"method": method, "runs": [asdict(run) for run in known]})
        log.info("%s, seed %d", condition, seed)


class Repeating(Trainer):
    """A trainer whose epochs may repeat batches of a corpus."""

    def batches_of(self, corpus: CorpusName) -> list[Chosen]:
        """Return a corpus's batches for an epoch, repeated if the corpus has too few."""
        batches: list[Chosen] = []
        while len(batches) < self.num_batches[corpus]:
            batches += super().batches_of(corpus)
        return batches


def fitted(
    run: RunParams, data: Data, plan: TrainingPlan, num_batches: Mapping[CorpusName, int]
) -> tuple[dict[CorpusName, list[float | None]], list[float]]:
    """Train heads; return the dev scores and the share of zero STS predictions, by epoch.

    If a corpus is not in `num_batches`, an epoch has all of its batches.
    """
    keep_memory()
    torch.manual_seed(plan.seed)
    width = data["train"]["sst"].vectors.shape[-1]
    model = MultitaskBert(None, run.corpora, width, run.dropout)
    trainer = Repeating(model, data["train"], data["dev"], plan)
    trainer.num_batches |= num_batches
    trainer.weights = loss_weights(trainer.num_batches)
    zeros: list[float] = []

    def look(trainer: Trainer) -> None:
        if trainer.progress.step == 0:  # at the end of an epoch
            answers = predict(model, data["dev"]["sts"], plan.dev_batch_size)
            zeros.append(float((answers == 0).mean()))

    trainer.fit(f"{RUN} {plan.idle_heads}", look)
    history = trainer.progress.history
    scores = {c: [row.dev_score for row in history if row.corpus == c] for c in run.corpora}
    return scores, zeros


def read_data(run: RunParams, condition: Condition, seed: int) -> Data:
    """Read a run's stored vectors; convert pooled ones as the condition requires."""
    run = run.model_copy(update={"pair_encoding": condition.pair_encoding})
    splits: tuple[Split, ...] = ("train", "dev")
    # the examples are vectors, because the run is frozen
    data: dict[Split, Any] = {s: open_examples(run, s, torch.device("cpu")) for s in splits}
    if condition.vectors == "minilm":
        return data
    for corpus, train in data["train"].items():
        if train.split.corpus.task.pooling == "pooled":
            shift = shared_direction(train.vectors.shape[-1], seed)
            shift *= condition.vectors == "bert-like"
            known = train.vectors.float().flatten(end_dim=1)
            mean, deviation = known.mean(dim=0), known.std(dim=0)
            for split in splits:
                standardized = (data[split][corpus].vectors.float() - mean) / deviation
                made = (shift + OWN * standardized).clamp(-1.0, 1.0).half()
                data[split][corpus] = replace(data[split][corpus], vectors=made)
    return data


def shared_direction(width: int, seed: int) -> Tensor:
    """Draw the direction that all bert-like vectors share, float [D].

    It is drawn from a separate random stream. If it came from the stream of the heads' weights, it
    would be correlated with them, and every head would be dead from the start.
    """
    signs = np.random.default_rng([seed, DIRECTION]).integers(0, 2, width) * 2 - 1
    return torch.from_numpy(signs).float() * SHARED


if __name__ == "__main__":
    run_command("benchmarks.dead_heads", main)
