"""Ours, with no piece of speed, with each alone, and with all of them."""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from pipeline import paths
from pipeline.batches import Indices, on_device
from pipeline.device import choose_device, keep_memory, seed_everything
from pipeline.evaluation.predict import (
    Examples,
    TokenExamples,
    VectorExamples,
    open_model,
    predict,
)
from pipeline.features import compute_vectors
from pipeline.model.kernels import Kernels
from pipeline.model.weights import load_backbone
from pipeline.params import ForwardParams, Params, SpeedParams, TrainingSpeedParams
from pipeline.speed import kernels_on
from pipeline.tasks import CorpusName
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, TrainingPlan

OFF: Mapping[str, object] = {
    "precision": "fp32",
    "layers": "plain",
    "attention": "eager",
    "pack_tokens": False,
    "cheap_dropout": False,
    "merge_pairs": False,
    "trim_last_layer": False,
    "bucket_batches": 1,
    "trim_vocabulary": False,
    "fused_adamw": False,
    "keep_memory": False,
}
# what each piece sets when it is alone; packing is a property of the fused layers
PIECES: Mapping[str, Mapping[str, object]] = {
    "length buckets": {"bucket_batches": 50},
    "bf16": {"precision": "auto"},
    "fused layers": {"layers": "fused"},
    "fused layers, packed": {"layers": "fused", "pack_tokens": True},
    "sdpa": {"attention": "sdpa"},
    "cheap dropout": {"cheap_dropout": True},
    "merged pairs": {"merge_pairs": True},
    "trimmed last layer": {"trim_last_layer": True},
    "trimmed vocabulary": {"trim_vocabulary": True},
    "fused AdamW": {"fused_adamw": True},
    "kept memory": {"keep_memory": True},
}
ALONE = "ours, only "
PLAIN = "ours, plain"
ALL = "ours"


def setting_of(name: str, params: Params) -> SpeedParams:
    """Return the speed settings behind a contender's name."""
    if name == ALL:
        return params.speed
    chosen = {**OFF, **({} if name == PLAIN else PIECES[name.removeprefix(ALONE)])}
    training = {key: chosen.pop(key) for key in TrainingSpeedParams.model_fields}
    return SpeedParams(
        forward=ForwardParams.model_validate(chosen),
        training=TrainingSpeedParams.model_validate(training),
    )


class Finetune:
    """Our trainer of a corpus's finetune run under some settings."""

    def __init__(self, split: TokenizedSplit, params: Params, name: str) -> None:
        speed, self.corpus = setting_of(name, params), split.corpus.name
        if speed.training.keep_memory:
            keep_memory()
        run = params.run(f"{self.corpus}-finetune")
        self.device = choose_device(params.device)
        seed_everything(params.seed)
        examples: dict[CorpusName, Examples] = {self.corpus: TokenExamples(split, self.device)}
        kernels = kernels_on(self.device, speed.forward)
        model = open_model(run, examples, kernels, paths.BACKBONE).to(self.device).train()
        self.trainer = trainer_of(params, model, examples, f"{self.corpus}-finetune", speed)
        self.lengths = split.lengths
        self.bucket_batches = speed.training.bucket_batches
        self.packs = packs(kernels)

    def step(self, indices: Indices) -> None:
        """Take one training step."""
        (chosen,) = on_device([indices], self.lengths, self.device)
        self.trainer.step(self.corpus, chosen)


def packs(kernels: Kernels) -> bool:
    """Say whether padding costs nothing."""
    return kernels.pack_tokens and kernels.layers == "fused"


def trainer_of(
    params: Params,
    model: object,
    examples: dict[CorpusName, Examples],
    name: str,
    speed: SpeedParams,
) -> Trainer:
    """Build a run's trainer."""
    run = params.run(name)
    plan = TrainingPlan(
        epochs=1,
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=speed.training,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
    )
    return Trainer(model, examples, examples, plan)  # type: ignore[arg-type]


class Features:
    """The frozen backbone's vectors; a step is a batch of `evaluation.batch_size` examples."""

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
    """Cut a few examples out of a split."""
    sentences = [sentence for index in indices for sentence in split.sentences(int(index))]
    return replace(
        split,
        input_ids=np.concatenate(sentences),
        offsets=np.cumsum([0, *map(len, sentences)]),
        labels=split.labels[indices],
        example_ids=split.example_ids[indices],
    )


class Frozen:
    """Our trainer of a corpus's head on stored vectors; random ones take the same time."""

    def __init__(self, split: TokenizedSplit, params: Params, hidden_size: int) -> None:
        self.corpus = split.corpus.name
        name = f"{self.corpus}-pretrain"
        shape = (len(split), split.corpus.task.num_sentences, hidden_size)
        vectors = torch.randn(shape).half().to(choose_device(params.device))
        examples: dict[CorpusName, Examples] = {self.corpus: VectorExamples(split, vectors)}
        model = open_model(
            params.run(name),
            examples,
            kernels_on(vectors.device, params.speed.forward),
            paths.BACKBONE,
        )
        self.trainer = trainer_of(params, model.to(vectors.device), examples, name, params.speed)
        self.lengths, self.device = split.lengths, vectors.device

    def step(self, indices: Indices) -> None:
        """Take 50 training steps on a batch, since one is too short to be timed by itself."""
        (chosen,) = on_device([indices], self.lengths, self.device)
        for _ in range(STEPS_AT_ONCE):
            self.trainer.step(self.corpus, chosen)


STEPS_AT_ONCE = 50


def epoch_seconds(split: TokenizedSplit, params: Params, size: int) -> float:
    """Train one epoch on a split's first `size` examples, for real; return its seconds."""
    trainer = Finetune(part_of(split, np.arange(size)), params, ALL).trainer
    corpus = split.corpus.name
    batches = trainer.batches_of(corpus)
    trainer.step(corpus, batches[0])  # the first takes longer
    wait()
    started = time.perf_counter()
    for chosen in batches:
        trainer.step(corpus, chosen)
    wait()
    return time.perf_counter() - started


def dev_seconds(dev: TokenizedSplit, params: Params) -> float:
    """Predict a whole dev split as an epoch's end does; return the seconds."""
    trainer = Finetune(dev, params, ALL).trainer
    examples = trainer.dev[dev.corpus.name]
    started = time.perf_counter()
    predict(trainer.model, examples, params.evaluation.batch_size)
    return time.perf_counter() - started


def wait() -> None:
    """Wait for what a GPU still has to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()
