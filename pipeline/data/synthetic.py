"""Generates synthetic corpora from rules, so that the meaning of each label is known exactly.

Every split has its own random generator, seeded with the seed and the names of the corpus and the
split. Therefore, resizing one corpus does not change the others, and resizing a dev set does not
change the training set.
"""

from collections.abc import Callable, Mapping
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.random import Generator

from pipeline.core.tasks import SPLITS, CorpusName, Split
from pipeline.data.synthetic_captions import compose_similarity
from pipeline.data.synthetic_questions import compose_question_pair
from pipeline.data.synthetic_sentiment import compose_review, compose_sentence
from pipeline.data.wording import Example
from pipeline.errors import CorpusError
from pipeline.plumbing.params import SplitSizes

NUM_ID_DIGITS = 25  # as in the upstream files
MAX_TRIES = 1000  # attempts to compose a new example

# A composer takes a quantile from [0, 1), which determines the label, and a random generator.
Composer = Callable[[Generator, float], Example]
COMPOSERS: Mapping[CorpusName, Composer] = {
    "sst": compose_sentence,
    "cfimdb": compose_review,
    "quora": compose_question_pair,
    "sts": compose_similarity,
}


def generate(corpus: CorpusName, sizes: SplitSizes, seed: int) -> dict[Split, pd.DataFrame]:
    """Generate the three splits of a corpus.

    The corpus contains no duplicate texts and, in either order, no duplicate pairs.

    Raises:
        CorpusError: the sizes ask for more distinct examples than the rules can produce.

    Returns:
        Frames with the columns id, first, second ("" for single sentences) and label (float).
    """
    seen: set[frozenset[str]] = set()
    frames: dict[Split, pd.DataFrame] = {}
    for split in SPLITS:
        rng = np.random.default_rng([seed, crc32(corpus.encode()), crc32(split.encode())])
        count = getattr(sizes, split)
        # one quantile from each of `count` equal parts of [0, 1), in random order, so that even in
        # small splits, class sizes differ by at most one example from the composer's shares
        quantiles = rng.permutation((np.arange(count) + rng.random(count)) / count)
        rows = [
            (rng.bytes(NUM_ID_DIGITS).hex()[:NUM_ID_DIGITS], *_unseen(corpus, rng, float(q), seen))
            for q in quantiles
        ]
        frames[split] = pd.DataFrame(rows, columns=["id", "first", "second", "label"])
    return frames


def _unseen(
    corpus: CorpusName, rng: Generator, quantile: float, seen: set[frozenset[str]]
) -> Example:
    """Compose an example whose text is not in `seen`, and add its text to `seen`.

    Raises:
        CorpusError: the sizes ask for more distinct examples than the rules can produce.
    """
    for _ in range(MAX_TRIES):
        example = COMPOSERS[corpus](rng, quantile)
        key = frozenset({_simplified(example.first), _simplified(example.second)})
        # the key of a pair of identical sentences has only one element
        if key not in seen and len(key) == 2:
            seen.add(key)
            return example
    raise CorpusError(
        f"no new example of {corpus} after {len(seen)}; ask for fewer under `sizes` in params.yaml"
    )


def _simplified(text: str) -> str:
    """Return a text in lower case without punctuation and extra spaces."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
