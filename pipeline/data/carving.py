"""Splits one file of pairs into train and dev sets that share no question.

Pairs that share a question, directly or through other pairs, stay together: they form a connected
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
    """Return whether train and dev of this corpus are carved out of one file."""
    is_asked = isinstance(corpora, Cs224nCorpora) and corpora.quora_split == "carved"
    return is_asked and corpus.name == "quora"


def carve(pairs: pd.DataFrame, seed: int) -> dict[Split, pd.DataFrame]:
    """Split pairs 80/20 into train and dev without splitting a component.

    The split depends only on the seed and the ids, so it is the same on every machine and with
    every version of numpy.

    Args:
        pairs: the pairs, in the uniform schema; each split keeps their order.
        seed: each seed gives a different split.

    Raises:
        CorpusError: the components are so large that one split would be empty.
    """
    questions = pd.concat([normalized(pairs["first"]), normalized(pairs["second"])])
    nodes, distinct = pd.factorize(questions)
    first, second = nodes[: len(pairs)], nodes[len(pairs) :]
    edges = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(distinct),) * 2)
    component = connected_components(edges, directed=False)[1][first]  # one per pair, int [N]
    groups = pairs["id"].groupby(component)
    sizes = groups.size().to_numpy()  # components are numbered from 0
    first_ids = groups.min().tolist()
    # fill the dev set with components in the pseudorandom order of their hashes
    lots = [hashlib.sha256(f"{seed} {name}".encode()).hexdigest() for name in first_ids]
    wanted = round(DEV_SHARE * len(pairs))
    chosen, taken = [], 0
    for number in np.argsort(lots):
        if taken + sizes[number] <= wanted:
            chosen.append(number)
            taken += sizes[number]
    if not taken:
        raise CorpusError(
            f"{len(pairs)} pairs cannot be carved into train and dev: they form {len(sizes)} "
            f"groups that share no question, and none is small enough for a dev set of {wanted}; "
            "add more pairs"
        )
    in_dev = np.isin(component, chosen)
    return {
        "train": pairs[~in_dev].reset_index(drop=True),
        "dev": pairs[in_dev].reset_index(drop=True),
    }


def normalized(questions: pd.Series) -> pd.Series:
    """Normalize questions for comparison: fold case and collapse whitespace."""
    return questions.str.casefold().str.split().str.join(" ")
