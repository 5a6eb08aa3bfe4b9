"""carving: a known split, and pairs that cannot be carved; the rest are property tests."""

import pandas as pd
import pytest

from pipeline.data.carving import carve, normalized
from pipeline.data.reading import frame_of
from pipeline.errors import CorpusError


def pairs_of(questions: list[tuple[str, str]]) -> pd.DataFrame:
    return frame_of([(f"id{i}", *pair, float(i % 2)) for i, pair in enumerate(questions)])


def test_questions_are_compared_without_case_and_extra_spaces() -> None:
    questions = pd.Series(["  How\tMany  ways? ", "STRASSE", "straße"])
    assert list(normalized(questions)) == ["how many ways?", "strasse", "strasse"]


@pytest.mark.parametrize(("seed", "dev"), [(11711, ["id2", "id5"]), (1, ["id0", "id7"])])
def test_a_known_seed_gives_the_known_split(seed: int, dev: list[str]) -> None:
    """The split must not change with a new version of a library: it is part of the results."""
    alone = [(f"x{i}", f"y{i}") for i in range(10)]
    assert list(carve(pairs_of(alone), seed)["dev"]["id"]) == dev


@pytest.mark.parametrize("questions", [[("a", f"b{i}") for i in range(9)], [("a", "b")], []])
def test_pairs_in_a_single_component_are_rejected(questions: list[tuple[str, str]]) -> None:
    with pytest.raises(CorpusError, match=f"^{len(questions)} pairs cannot be carved into train"):
        carve(pairs_of(questions), seed=1)
