"""synthetic_sentiment: intensifiers scale, "not" turns, and what follows "but" decides."""

import pandas as pd
import pytest

from pipeline.corpora.data_file import data_file
from pipeline.corpora.synthetic import generate
from pipeline.corpora.synthetic_sentiment import grade_of
from pipeline.params import SplitSizes

SEED = 11711
ADJECTIVES = data_file("review_words.yaml")["adjectives"]


@pytest.mark.parametrize(
    ("polarity", "grade"),
    [(-2.0, 0), (-1.0, 1), (-0.3, 2), (0.0, 2), (0.3, 2), (1.0, 3), (2.0, 4)],
)
def test_grade_of_a_polarity(polarity: float, grade: int) -> None:
    assert grade_of(polarity) == grade


@pytest.fixture(scope="module")
def many_sentences() -> pd.DataFrame:
    return generate("sst", SplitSizes(train=8000, dev=1, test=1), SEED)["train"]


def graded(frame: pd.DataFrame, pattern: str) -> float:
    """Return the median grade of sentences that make one statement, of this form."""
    found = frame[frame["first"].str.fullmatch(rf"[\w' -]+ , [\w -]+ {pattern} \.")]
    assert len(found) >= 3
    return float(found["label"].median())


def test_negation_turns_and_intensifiers_scale(many_sentences: pd.DataFrame) -> None:
    good = "(good|funny|charming|clever|engaging|witty|warm|lively|solid|fresh|sweet)"
    bad = "(dull|weak|flat|silly|slow|stale|tired|bland|lazy|messy|noisy)"
    negator = "(not|never|hardly|far from)"
    assert graded(many_sentences, f"is {good}") == 3
    assert graded(many_sentences, f"is {negator} {good}") == 1
    assert graded(many_sentences, f"is {bad}") == 1
    assert graded(many_sentences, f"is {negator} {bad}") == 3
    strong = "(brilliant|superb|wonderful|stunning|perfect|fantastic|sublime|remarkable)"
    assert graded(many_sentences, f"is {strong}") == 4
    assert graded(many_sentences, f"is (somewhat|fairly|slightly|mildly|rather) {strong}") == 3


def test_what_follows_but_outweighs_what_precedes_it(many_sentences: pd.DataFrame) -> None:
    def grades(conceded: int, stressed: int) -> pd.Series:
        first = "|".join([*ADJECTIVES[conceded], *ADJECTIVES[conceded // 2]])
        second = "|".join(ADJECTIVES[stressed])
        form = rf".* is (?:{first}) , but .* is (?:{second}) \."
        found = many_sentences[many_sentences["first"].str.fullmatch(form)]
        assert len(found) >= 3
        return found["label"]

    assert grades(conceded=-2, stressed=2).median() >= 3
    assert grades(conceded=2, stressed=-2).median() <= 1
