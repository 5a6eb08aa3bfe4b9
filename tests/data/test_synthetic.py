"""synthetic: what labels mean, what splits keep apart, and that there is something to learn."""

import hashlib
import re
from collections import Counter
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.data import synthetic
from pipeline.data.synthetic import generate
from pipeline.data.synthetic_captions import similarity
from pipeline.data.synthetic_sentiment import WORDS
from pipeline.data.wording import Example, by_share
from pipeline.errors import CorpusError
from pipeline.plumbing.params import SplitSizes

SEED = 11711
ADJECTIVES = WORDS["adjectives"]
SIZES: dict[CorpusName, SplitSizes] = {
    "sst": SplitSizes(train=1600, dev=300, test=300),
    "cfimdb": SplitSizes(train=256, dev=128, test=64),
    "quora": SplitSizes(train=1600, dev=400, test=400),
    "sts": SplitSizes(train=800, dev=200, test=200),
}
NAMES: tuple[CorpusName, ...] = get_args(CorpusName)
Corpora = dict[CorpusName, dict[Split, pd.DataFrame]]


@pytest.fixture(scope="module")
def corpora() -> Corpora:
    return {name: generate(name, SIZES[name], SEED) for name in NAMES}


def many(name: CorpusName, count: int) -> pd.DataFrame:
    return generate(name, SplitSizes(train=count, dev=1, test=1), SEED)["train"]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def pairs(frame: pd.DataFrame) -> list[tuple[list[str], list[str], float]]:
    """Return the words of both sentences, and the label."""
    columns = (frame[column].tolist() for column in ("first", "second", "label"))
    return [(words(a), words(b), label) for a, b, label in zip(*columns, strict=True)]


def overlap(frame: pd.DataFrame) -> pd.Series:
    """Return the share of words that two sentences have in common, whichever comes first."""
    shares = [len({*a} & {*b}) / len({*a} | {*b}) for a, b, _ in pairs(frame)]
    return pd.Series(shares, index=frame.index)


def test_similarity_is_the_weight_that_is_left_and_quantiles_have_classes_by_their_shares() -> None:
    assert similarity(["kept", "replaced"], [1.0, 3.0]) == 1.25
    assert similarity(["blurred", "kept"], [1.0, 3.0]) == pytest.approx(5 * (1 - 0.7 / 4))
    quantiles = (0.0, 0.24, 0.25, 0.74, 0.75, 0.99)
    assert [by_share(q, (1, 2, 1)) for q in quantiles] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("name", NAMES)
def test_splits_have_the_sizes_and_columns_asked_for_and_no_text_comes_twice(
    corpora: Corpora, name: CorpusName
) -> None:
    keys: Counter[tuple[str, ...]] = Counter()
    for split in SPLITS:
        frame = corpora[name][split]
        assert len(frame) == getattr(SIZES[name], split)
        assert list(frame.columns) == ["id", "first", "second", "label"]
        assert frame["label"].dtype == "float64"
        assert frame["id"].is_unique
        assert frame["id"].str.fullmatch(r"[0-9a-f]{25}").all()  # as upstream's
        assert frame["first"].str.strip().ne("").all()
        assert (frame["second"].str.strip().ne("") == CORPORA[name].is_pair).all()
        keys.update(tuple(sorted((" ".join(a), " ".join(b)))) for a, b, _ in pairs(frame))
    assert max(keys.values()) == 1  # pairs in either order
    assert not [key for key in keys if key[0] == key[1]]


KNOWN = {
    "sst": "529b8ce30cf30a8d",
    "cfimdb": "ef7dbd0b34364410",
    "quora": "6dd54d5aa79a5a12",
    "sts": "71e5aa6aa37020fa",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_known_seed_gives_the_known_corpus(corpora: Corpora, name: CorpusName) -> None:
    """The words must not change with a new version of a library: they are part of the results."""
    text = corpora[name]["dev"].to_json(orient="values")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == KNOWN[name]


@pytest.mark.parametrize("name", NAMES)
def test_other_sizes_leave_the_training_set_alone_and_another_seed_does_not(
    corpora: Corpora, name: CorpusName
) -> None:
    train = corpora[name]["train"]
    sizes = SIZES[name].model_copy(update={"dev": 150, "test": 10})
    pd.testing.assert_frame_equal(generate(name, sizes, SEED)["train"], train)
    other = generate(name, sizes, SEED + 1)["train"]
    assert set(other["id"]).isdisjoint(train["id"])
    assert (other["first"] != train["first"]).mean() > 0.95


def test_sizes_that_cannot_be_had_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        synthetic, "COMPOSERS", {"sst": lambda rng, quantile: Example("Good .", "", 3.0)}
    )
    with pytest.raises(CorpusError, match=r"no new example of sst after 1; .*`sizes` in params"):
        generate("sst", SplitSizes(train=2, dev=1, test=1), SEED)


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("sst", {0: 0.128, 1: 0.26, 2: 0.19, 3: 0.272, 4: 0.15}),
        ("cfimdb", {0: 0.49, 1: 0.51}),
        ("quora", {0: 0.625, 1: 0.375}),
    ],
)
def test_classes_have_their_shares_in_every_split(
    corpora: Corpora, name: CorpusName, shares: dict[int, float]
) -> None:
    for frame in corpora[name].values():
        counts = frame["label"].value_counts()
        assert set(counts.index) == set(shares)
        for label, share in shares.items():
            assert counts[label] == pytest.approx(share * len(frame), abs=0.02 * len(frame) + 1)


def test_similarities_fill_the_range_in_steps(corpora: Corpora) -> None:
    labels = corpora["sts"]["train"]["label"]
    assert labels.between(0, 5).all()
    np.testing.assert_allclose(labels * 5, (labels * 5).round(), atol=1e-9)
    assert labels.mean() == pytest.approx(2.6, abs=0.15)
    assert labels.std() == pytest.approx(1.5, abs=0.15)
    assert labels.round().value_counts(normalize=True).min() > 0.05


@pytest.mark.parametrize(
    ("name", "low", "mean", "high"),
    [
        ("sst", 4, (12, 20), 40),
        ("cfimdb", 40, (180, 230), 680),
        ("quora", 4, (8, 15), 25),
        ("sts", 3, (6, 14), 25),
    ],
)
def test_texts_are_as_long_as_real_ones(
    corpora: Corpora, name: CorpusName, low: int, mean: tuple[int, int], high: int
) -> None:
    train = corpora[name]["train"]
    for column in ("first", "second") if CORPORA[name].is_pair else ("first",):
        # in films' punctuation stands apart: nearly one token each
        counts = train[column].str.count(" ") + 1
        assert low <= counts.min()
        assert mean[0] <= counts.mean() <= mean[1]
        assert counts.max() <= high
        if name == "cfimdb":
            assert 0 < (counts > 512).mean() < 0.05, "a few reviews are to be cut"


def test_word_overlap_does_not_tell_duplicates(corpora: Corpora) -> None:
    train = corpora["quora"]["train"]
    shares = overlap(train)
    assert (shares[train["label"] == 0] > 0.6).mean() > 0.3, "no near misses"
    assert (shares[train["label"] == 1] < 0.4).mean() > 0.3, "no rewording"
    assert (shares[train["label"] == 0] < 0.2).mean() > 0.1, "no unrelated pairs"


def test_swapped_places_other_numbers_and_not_make_another_question() -> None:
    found: dict[str, list[float]] = {"swapped": [], "numbers": [], "not": []}
    for first, second, label in pairs(many("quora", 6000)):
        changed = {*first} ^ {*second}
        if not changed and len(first) == len(second):
            found["swapped"].append(label)
        if len(changed) == 2 and all(word.isdigit() for word in changed):
            found["numbers"].append(label)
        one, other = Counter(first), Counter(second)
        if (one - other) + (other - one) == {"not": 1}:
            found["not"].append(label)
    assert min(map(len, found.values())) >= 5
    assert max(map(np.mean, found.values())) < 0.3  # raters err


def test_overlap_goes_with_similarity_and_headlines_are_more_alike_than_other_pairs(
    corpora: Corpora,
) -> None:
    train = corpora["sts"]["train"]
    correlation = np.corrcoef(overlap(train), train["label"])[0, 1]
    assert 0.4 < correlation < 0.95  # not 1: synonyms share no word
    is_headline = ~train["first"].str.endswith(".")
    assert 0.15 < is_headline.mean() < 0.5
    assert train["label"][is_headline].mean() > train["label"][~is_headline].mean() + 0.2


def test_negation_turns_intensifiers_scale_and_what_follows_but_decides() -> None:
    sentences = many("sst", 8000)

    def median(pattern: str) -> float:
        found = sentences[sentences["first"].str.fullmatch(pattern)]
        assert len(found) >= 3
        return float(found["label"].median())

    def grade(adverb: str, polarity: int) -> float:
        adjectives = "|".join(ADJECTIVES[polarity])
        return median(rf"[\w' -]+ , [\w -]+ is {adverb}(?:{adjectives}) \.")

    negator, softener = "(?:not|never|hardly|far from) ", "(?:somewhat|fairly|slightly|rather) "
    assert [grade("", polarity) for polarity in (-1, 1, 2)] == [1, 3, 4]
    assert [grade(negator, polarity) for polarity in (-1, 1)] == [3, 1]
    assert grade(softener, 2) == 3

    def contrasted(conceded: int, stressed: int) -> float:
        first = "|".join([*ADJECTIVES[conceded], *ADJECTIVES[conceded // 2]])
        second = "|".join(ADJECTIVES[stressed])
        return median(rf".* is (?:{first}) , but .* is (?:{second}) \.")

    assert contrasted(conceded=-2, stressed=2) >= 3
    assert contrasted(conceded=2, stressed=-2) <= 1


@pytest.mark.parametrize(
    ("name", "over_majority", "ceiling"),
    # a sentence and a pair are more than their words; a review repeats what it says
    [("sst", 0.1, 0.9), ("cfimdb", 0.2, 1.0), ("quora", 0.05, 0.9)],
)
def test_counted_words_beat_the_majority_class(
    corpora: Corpora, name: CorpusName, over_majority: float, ceiling: float
) -> None:
    train, dev = corpora[name]["train"], corpora[name]["dev"]
    model = make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    model.fit(train["first"] + " " + train["second"], train["label"])
    accuracy = model.score(dev["first"] + " " + dev["second"], dev["label"])
    majority = dev["label"].value_counts(normalize=True).max()
    assert majority + over_majority < accuracy <= ceiling
