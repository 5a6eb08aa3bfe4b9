"""Tokenized splits, made from sentences of token ids."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import TokenizedSplit


def split_of(
    corpus: CorpusName,
    sentences: Sequence[Sequence[int]],
    labels: ArrayLike | None = None,
    pad_id: int = 0,
) -> TokenizedSplit:
    """Return a split with these sentences; in a pair corpus, every two form an example."""
    count = len(sentences) // CORPORA[corpus].task.num_sentences
    return TokenizedSplit(
        CORPORA[corpus],
        np.array([token for sentence in sentences for token in sentence], dtype=np.int32),
        np.cumsum([0, *map(len, sentences)]),
        np.array([0.0] * count if labels is None else labels, dtype=np.float32),
        np.array([f"id-{i}" for i in range(count)]),
        pad_id=pad_id,
    )


def random_split(corpus: CorpusName, count: int) -> TokenizedSplit:
    """Return a split with random sentences of 3 to 19 tokens, with alternating labels 0 and 1."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 20, count * CORPORA[corpus].task.num_sentences)
    sentences = [generator.integers(1000, 30000, length) for length in lengths]
    return split_of(corpus, sentences, [i % 2 for i in range(count)])
