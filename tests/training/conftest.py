"""Fixtures for tests of the trainer: small splits with learnable labels, and trainers on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.encoder.batches import TokenExamples, joined
from pipeline.encoder.kernels import PLAIN, Kernels
from pipeline.encoder.weights import load_backbone
from pipeline.heads.examples import VectorExamples
from pipeline.heads.model import MultitaskBert
from pipeline.plumbing.params import OptimizerParams, TrainingSpeedParams
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, TrainingPlan
from tests.splits import split_of

CPU = torch.device("cpu")
PLAN = TrainingPlan(
    epochs=2,
    learning_rate=1e-2,
    batch_size={"sst": 4, "cfimdb": 4, "quora": 4, "sts": 4},
    optimizer=OptimizerParams(weight_decay=0.0, betas=(0.9, 0.999), epsilon=1e-6),
    speed=TrainingSpeedParams(
        bucket_batches=4, trim_vocabulary=True, fused_adamw=True, keep_memory=False
    ),
    dev_batch_size=8,
    seed=1,
)


def learnable(corpus: CorpusName, count: int) -> TokenizedSplit:
    """Make sentences that contain their label as a word, so that it can be learned."""
    generator = np.random.default_rng(0)
    labels = generator.permutation(np.arange(count) % (CORPORA[corpus].max_label + 1))
    sentences = []
    for label in np.repeat(labels, CORPORA[corpus].task.num_sentences):
        noise = generator.integers(5000, 5020, generator.integers(1, 5))
        sentences.append([101, 2000 + int(label), *noise, 102])
    return split_of(corpus, sentences, labels)


def vectors_of(corpus: CorpusName, count: int) -> VectorExamples:
    """Make stored vectors whose first dimension is the label."""
    split = learnable(corpus, count)
    shape = (count, split.corpus.task.num_sentences, 32)
    vectors = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    vectors[:, :, 0] = torch.from_numpy(split.labels)[:, None]
    return VectorExamples(split, vectors)


def frozen(
    sizes: Mapping[CorpusName, int], plan: TrainingPlan = PLAN, dropout: float = 0.0
) -> Trainer:
    """Make a new trainer of heads on stored vectors; dev is an equal copy of train."""
    torch.manual_seed(plan.seed)
    model = MultitaskBert(None, tuple(sizes), 32, dropout)
    if "sts" in sizes:  # so that the ReLU is not dead
        torch.nn.init.constant_(model.heads["sts"].linear.bias, 5.0)
    train, dev = ({c: vectors_of(c, size) for c, size in sizes.items()} for _ in range(2))
    return Trainer(model, train, dev, plan)


def finetuned(
    folder: Path,
    corpora: Sequence[CorpusName],
    plan: TrainingPlan = PLAN,
    dropout: float = 0.3,
    kernels: Kernels = PLAIN,
    is_joint: bool = False,
) -> Trainer:
    """Make a new trainer of a whole model with 12 examples of each corpus."""
    torch.manual_seed(plan.seed)
    model = MultitaskBert(load_backbone(folder, kernels), corpora, 32, dropout)
    if "sts" in corpora:  # so that the ReLU is not dead
        torch.nn.init.constant_(model.heads["sts"].linear.bias, 1.0)
    splits = {corpus: learnable(corpus, 12) for corpus in corpora}
    if is_joint:
        splits = {c: joined(s) if s.corpus.is_pair else s for c, s in splits.items()}
    examples = {corpus: TokenExamples(split, CPU) for corpus, split in splits.items()}
    return Trainer(model, examples, examples, plan)
