"""Defines our contenders: no optimizations, each optimization alone, and all of them together."""

import csv
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.results import peak_memory_mb
from benchmarks.turns import seconds_of
from pipeline.core import paths
from pipeline.core.config import config_from_json
from pipeline.core.files import sha256_of
from pipeline.core.records import FeatureCounts, RunSummary
from pipeline.core.tasks import CORPORA, CorpusName, Mode
from pipeline.core.yaml12 import read_yaml
from pipeline.encoder.batches import Indices, TokenExamples, on_device
from pipeline.encoder.device import choose_device, keep_memory
from pipeline.encoder.features import compute_vectors, read_features
from pipeline.encoder.kernels import Kernels, kernels_on
from pipeline.encoder.weights import load_backbone
from pipeline.heads.examples import Examples, VectorExamples, open_model
from pipeline.heads.predict import predict
from pipeline.plumbing.params import Params, SpeedParams, load_params
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, plan_of
from pipeline.training.run import train_run

SETTINGS = read_yaml(Path(__file__).with_name("pieces.yaml"))
OFF: Mapping[str, object] = SETTINGS["off"]
PIECES: Mapping[str, Mapping[str, object]] = SETTINGS["pieces"]
PAIRS, WIDTH = 141_506, 768  # number of Quora pairs and width of the backbone in the paper
BLOCK = 4096  # number of pairs written at once
ALONE = "ours, only "
PLAIN = "ours, plain"
ALL = "ours"


def setting_of(name: str, params: Params) -> SpeedParams:
    """Return the speed settings that a contender's name stands for."""
    if name == ALL:
        return params.speed
    chosen = {**OFF, **({} if name == PLAIN else PIECES[name.removeprefix(ALONE)])}
    parts = params.speed.model_dump()
    return SpeedParams.model_validate({p: {k: chosen[k] for k in parts[p]} for p in parts})


class Finetune:
    """Our trainer for a corpus's finetune run with the contender's settings."""

    steps_at_once = 1

    def __init__(self, split: TokenizedSplit, params: Params, name: str) -> None:
        speed, device = setting_of(name, params), choose_device(params.device)
        if speed.training.keep_memory:
            keep_memory()
        torch.manual_seed(params.seed)
        self.trainer = trainer_of(params, TokenExamples(split, device), "finetune", speed, device)
        self.bucket_batches = speed.training.bucket_batches
        self.packs = packs(kernels_on(device, speed.forward))

    def step(self, indices: Indices) -> None:
        """Train on a batch."""
        ((corpus, examples),) = self.trainer.dev.items()
        (chosen,) = on_device([indices], examples.split.lengths, self.trainer.model.device)
        for _ in range(self.steps_at_once):
            self.trainer.step(corpus, chosen)


def packs(kernels: Kernels) -> bool:
    """Return whether the layers skip padding."""
    return kernels.pack_tokens and kernels.layers == "fused"


def trainer_of(
    params: Params, examples: Examples, mode: Mode, speed: SpeedParams, device: torch.device
) -> Trainer:
    """Build a trainer as the stage of a corpus's run does, but use the train set as the dev set."""
    corpus = examples.split.corpus.name
    run, data = params.run(f"{corpus}-{mode}"), {corpus: examples}
    model = open_model(run, data, kernels_on(device, speed.forward), paths.BACKBONE)
    plan = replace(plan_of(params, run), epochs=1, speed=speed.training)
    return Trainer(model.to(device).train(), data, data, plan)


class Features:
    """Computes the frozen backbone's vectors for `evaluation.batch_size` examples per step."""

    def __init__(self, split: TokenizedSplit, params: Params) -> None:
        if params.speed.training.keep_memory:
            keep_memory()
        self.split = split
        self.size = params.evaluation.batch_size
        self.device = choose_device(params.device)
        kernels = kernels_on(self.device, params.speed.forward)
        self.packs = packs(kernels)
        self.backbone = load_backbone(paths.BACKBONE, kernels)

    def step(self, indices: Indices) -> None:
        """Compute the vectors of some examples."""
        compute_vectors(part_of(self.split, indices), self.backbone, self.size, self.device)


def part_of(split: TokenizedSplit, indices: Indices) -> TokenizedSplit:
    """Return a split that contains only the examples with these indices."""
    sentences = [sentence for index in indices for sentence in split.sentences(int(index))]
    return replace(
        split,
        input_ids=np.concatenate(sentences),
        offsets=np.cumsum([0, *map(len, sentences)]),
        labels=split.labels[indices],
        example_ids=split.example_ids[indices],
    )


class Frozen(Finetune):
    """Our trainer for a corpus's head on stored vectors; random vectors take the same time."""

    steps_at_once = 50  # one step is too short to time on its own

    def __init__(self, split: TokenizedSplit, params: Params) -> None:
        device = choose_device(params.device)
        hidden_size = config_from_json(paths.BACKBONE / paths.CONFIG).hidden_size
        shape = (len(split), split.corpus.task.num_sentences, hidden_size)
        examples = VectorExamples(split, torch.randn(shape).half().to(device))
        self.trainer = trainer_of(params, examples, "pretrain", params.speed, device)


def epoch_seconds(split: TokenizedSplit, params: Params, size: int) -> float:
    """Train for one epoch on a split's first `size` examples and return the seconds it takes."""
    trainer = Finetune(part_of(split, np.arange(size)), params, ALL).trainer
    corpus = split.corpus.name
    batches = trainer.batches_of(corpus)
    trainer.step(corpus, batches[0])  # the first step takes longer
    return seconds_of(lambda: [trainer.step(corpus, chosen) for chosen in batches])


def dev_seconds(dev: TokenizedSplit, params: Params) -> float:
    """Predict a whole dev split, as at the end of an epoch, and return the seconds it takes."""
    trainer = Finetune(dev, params, ALL).trainer
    examples, size = trainer.dev[dev.corpus.name], params.evaluation.batch_size
    return seconds_of(lambda: predict(trainer.model, examples, size))


def full_quora(pairs: int = PAIRS, width: int = WIDTH) -> dict[str, float]:
    """Train Quora's head for one epoch on memory-mapped vectors, at the paper's size.

    Random vectors take the same time, disk space and memory as real ones.

    Returns:
        `disk_mb` (the size of the vectors), `peak_memory_mb` (the largest resident set, including
        the mapped vectors), `steps_per_second` and `seconds_per_epoch`.
    """
    params = load_params()
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as name:
        folder = Path(name)
        write_vectors(folder / "train.npy", pairs, width)
        disk = (folder / "train.npy").stat().st_size
        vectors = torch.from_numpy(read_features(folder, "train"))
        examples = VectorExamples(labels_only(pairs), vectors)
        trainer = trainer_of(params, examples, "pretrain", params.speed, vectors.device)
        batches = trainer.batches_of("quora")
        seconds = seconds_of(lambda: [trainer.step("quora", chosen) for chosen in batches])
    return {
        "disk_mb": disk / 2**20,
        "peak_memory_mb": peak_memory_mb(),
        "steps_per_second": len(batches) / seconds,
        "seconds_per_epoch": seconds,
    }


def write_vectors(path: Path, pairs: int, width: int) -> None:
    """Write random vectors, float16 [N, 2, D], block by block, as a features stage does."""
    generator = np.random.default_rng(0)
    vectors = np.lib.format.open_memmap(path, "w+", "<f2", shape=(pairs, 2, width))
    for start in range(0, pairs, BLOCK):
        block = vectors[start : start + BLOCK]
        block[:] = generator.standard_normal(block.shape, dtype=np.float32)
    vectors.flush()
    FeatureCounts(examples={"train": pairs}).write(path.with_name("features.json"))


def labels_only(pairs: int) -> TokenizedSplit:
    """Return a split of pairs that have labels but no tokens."""
    return TokenizedSplit(
        CORPORA["quora"],
        np.empty(0, np.int32),
        np.zeros(2 * pairs + 1, np.int64),
        (np.arange(pairs) % 2).astype(np.float32),
        np.empty(pairs, dtype=np.str_),
        pad_id=0,
    )


class Trained(NamedTuple):
    """The result of a training run."""

    epochs: list[dict[CorpusName, float | None]]  # dev scores by epoch
    best_epoch: int  # counted from 1; 0 if there is none
    weights: str  # SHA-256


def train(params: Params, run: str) -> Trained:
    """Train a run as its stage does, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as folder:
        out = Path(folder)
        shutil.rmtree(train_run(params, run, out).checkpoint)
        epochs: dict[str, dict[CorpusName, float | None]] = {}
        with (out / paths.HISTORY).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                score = float(row["dev_score"]) if row["dev_score"] else None
                epochs.setdefault(row["epoch"], {})[row["corpus"]] = score  # type: ignore[index]
        best = RunSummary.read(out / paths.RUN_SUMMARY).best_epoch
        return Trained(list(epochs.values()), best, sha256_of(out / paths.WEIGHTS))
