"""Train and dev out of one file of pairs, with no question on both sides.

Pairs that share a question, directly or through others, stay together: they form a connected
component of the graph whose nodes are questions and whose edges are pairs.
"""

import hashlib

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.core.tasks import Corpus, Split
from pipeline.errors import CorpusError
from pipeline.plumbing.params import CorporaParams, Cs224nCorpora

DEV_SHARE = 0.2


def is_carved(corpus: Corpus, corpora: CorporaParams) -> bool:
    """Say whether train and dev of this corpus are carved out of one file."""
    is_asked = isinstance(corpora, Cs224nCorpora) and corpora.quora_split == "carved"
    return is_asked and corpus.name == "quora"


def carve(pairs: pd.DataFrame, seed: int) -> dict[Split, pd.DataFrame]:
    """Split pairs 80/20 into train and dev, whole components at a time.

    Which components make the dev set depends on the seed and on ids alone, so that it is the
    same on every machine and under every version of a random generator.

    Args:
        pairs: in the uniform schema; the order within each side is kept.
        seed: another seed, another split.

    Raises:
        CorpusError: the pairs hang together so much that one side would be empty.
    """
    component = _components(pairs)
    groups = pairs["id"].groupby(component)
    sizes = groups.size().to_numpy()  # components are numbered from 0
    first_ids = groups.min().tolist()
    # each component draws its place in the queue for the dev set
    lots = [hashlib.sha256(f"{seed} {first}".encode()).hexdigest() for first in first_ids]
    wanted = round(DEV_SHARE * len(pairs))
    chosen, taken = [], 0
    for number in np.argsort(lots, kind="stable"):
        if taken + sizes[number] <= wanted:
            chosen.append(number)
            taken += sizes[number]
    if not 0 < taken < len(pairs):
        raise CorpusError(
            f"{len(pairs)} pairs cannot be carved into train and dev: they fall into "
            f"{len(sizes)} groups without a shared question, none small enough for a dev set of "
            f"{wanted}; more pairs are needed"
        )
    in_dev = np.isin(component, chosen)
    return {
        "train": pairs[~in_dev].reset_index(drop=True),
        "dev": pairs[in_dev].reset_index(drop=True),
    }


def normalised(questions: pd.Series) -> pd.Series:
    """Return questions as they are compared: without case, runs of space folded to one."""
    return questions.str.casefold().str.split().str.join(" ")


def _components(pairs: pd.DataFrame) -> np.ndarray:
    """Number the component of each pair, int [N]."""
    questions = pd.concat([normalised(pairs["first"]), normalised(pairs["second"])])
    nodes, distinct = pd.factorize(questions)
    first, second = nodes[: len(pairs)], nodes[len(pairs) :]
    edges = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(distinct),) * 2)
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[first])
