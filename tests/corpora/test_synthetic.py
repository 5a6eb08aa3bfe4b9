"""synthetic: what labels mean, what splits keep apart, and that there is something to learn."""

import re
from collections import Counter
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pipeline.corpora import synthetic
from pipeline.corpora.synthetic import generate
from pipeline.corpora.synthetic_captions import similarity
from pipeline.corpora.wording import Example, by_share, with_article
from pipeline.errors import CorpusError
from pipeline.params import SplitSizes
from pipeline.tasks import CORPORA, SPLITS, CorpusName, Split

SEED = 11711
SIZES: dict[CorpusName, SplitSizes] = {
    "sst": SplitSizes(train=1600, dev=300, test=300),
    "cfimdb": SplitSizes(train=256, dev=128, test=64),
    "quora": SplitSizes(train=1600, dev=400, test=400),
    "sts": SplitSizes(train=800, dev=200, test=200),
}
NAMES: tuple[CorpusName, ...] = get_args(CorpusName)
Frames = dict[Split, pd.DataFrame]


@pytest.fixture(scope="module")
def corpora() -> dict[CorpusName, Frames]:
    return {name: generate(name, SIZES[name], SEED) for name in NAMES}


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def examples(frame: pd.DataFrame) -> list[Example]:
    columns = (frame[column].tolist() for column in ("first", "second", "label"))
    return [Example(*row) for row in zip(*columns, strict=True)]


def num_words(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame[column].map(lambda text: len(words(text)))


def overlap(frame: pd.DataFrame) -> pd.Series:
    """Return the share of words that two sentences have in common, whichever comes first."""
    shares = [
        len(set(words(first)) & set(words(second))) / len(set(words(first)) | set(words(second)))
        for first, second in zip(frame["first"], frame["second"], strict=True)
    ]
    return pd.Series(shares, index=frame.index)


# values by hand


def test_similarity_is_the_weight_that_is_left() -> None:
    assert similarity(["kept", "kept"], [1.0, 3.0]) == 5.0
    assert similarity(["kept", "replaced"], [1.0, 3.0]) == 1.25
    assert similarity(["blurred", "kept"], [1.0, 3.0]) == pytest.approx(5 * (1 - 0.7 / 4))
    assert similarity(["replaced", "replaced"], [1.0, 3.0]) == 0.0


def test_class_of_a_quantile() -> None:
    assert [by_share(q, (1, 2, 1)) for q in (0.0, 0.24, 0.25, 0.74, 0.75, 0.99)] == [
        0, 0, 1, 1, 2, 2,
    ]  # fmt: skip


def test_article_hears_a_vowel() -> None:
    assert [with_article("awful film"), with_article("good film")] == ["an awful film",
                                                                     "a good film"]  # fmt: skip


# every corpus


@pytest.mark.parametrize("name", NAMES)
def test_frames_have_the_sizes_and_columns_asked_for(
    corpora: dict[CorpusName, Frames], name: CorpusName
) -> None:
    for split in SPLITS:
        frame = corpora[name][split]
        assert len(frame) == getattr(SIZES[name], split)
        assert list(frame.columns) == ["id", "first", "second", "label"]
        assert frame["label"].dtype == "float64"
        assert frame["first"].str.strip().ne("").all()
        assert (frame["second"].str.strip().ne("") == CORPORA[name].is_pair).all()


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_corpus(
    corpora: dict[CorpusName, Frames], name: CorpusName
) -> None:
    again = generate(name, SIZES[name], SEED)
    for split in SPLITS:
        pd.testing.assert_frame_equal(again[split], corpora[name][split])


@pytest.mark.parametrize("name", NAMES)
def test_other_seed_gives_another_corpus(
    corpora: dict[CorpusName, Frames], name: CorpusName
) -> None:
    other = generate(name, SIZES[name], SEED + 1)["train"]
    assert set(other["id"]).isdisjoint(corpora[name]["train"]["id"])
    assert (other["first"] != corpora[name]["train"]["first"]).mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_larger_dev_set_leaves_the_training_set_alone(
    corpora: dict[CorpusName, Frames], name: CorpusName
) -> None:
    sizes = SIZES[name].model_copy(update={"dev": 150, "test": 10})
    pd.testing.assert_frame_equal(generate(name, sizes, SEED)["train"], corpora[name]["train"])


def test_ids_are_unique_and_look_like_upstream_s(corpora: dict[CorpusName, Frames]) -> None:
    ids = [i for frames in corpora.values() for frame in frames.values() for i in frame["id"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{25}", i) for i in ids)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_and_no_pair_in_either_order_comes_twice(
    corpora: dict[CorpusName, Frames], name: CorpusName
) -> None:
    keys = [
        tuple(sorted((" ".join(words(row.first)), " ".join(words(row.second)))))
        for frame in corpora[name].values()
        for row in examples(frame)
    ]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert not [key for key in keys if key[0] == key[1]]


def test_sizes_that_cannot_be_had_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        synthetic, "COMPOSERS", {"sst": lambda rng, quantile: Example("Good .", "", 3.0)}
    )
    with pytest.raises(CorpusError, match=r"no new example of sst after 1; .*`sizes` in params"):
        generate("sst", SplitSizes(train=2, dev=1, test=1), SEED)


# labels and lengths, beside those of the real corpora


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("sst", {0: 0.128, 1: 0.26, 2: 0.19, 3: 0.272, 4: 0.15}),
        ("cfimdb", {0: 0.49, 1: 0.51}),
        ("quora", {0: 0.625, 1: 0.375}),
    ],
)
def test_classes_have_their_shares_in_every_split(
    corpora: dict[CorpusName, Frames], name: CorpusName, shares: dict[int, float]
) -> None:
    for frame in corpora[name].values():
        counts = frame["label"].value_counts()
        assert set(counts.index) == set(shares)
        for label, share in shares.items():
            assert counts[label] == pytest.approx(share * len(frame), abs=0.02 * len(frame) + 1)


def test_similarities_fill_the_range_in_steps(corpora: dict[CorpusName, Frames]) -> None:
    labels = corpora["sts"]["train"]["label"]
    assert labels.between(0, 5).all()
    np.testing.assert_allclose(labels * 5, (labels * 5).round(), atol=1e-9)
    assert labels.mean() == pytest.approx(2.6, abs=0.15)
    assert labels.std() == pytest.approx(1.5, abs=0.15)
    assert labels.round().value_counts(normalize=True).min() > 0.05


@pytest.mark.parametrize(
    ("name", "low", "mean", "high"),
    [("sst", 4, (10, 18), 40), ("quora", 4, (8, 15), 25), ("sts", 3, (6, 14), 25)],
)
def test_sentences_are_as_long_as_real_ones(
    corpora: dict[CorpusName, Frames],
    name: CorpusName,
    low: int,
    mean: tuple[int, int],
    high: int,
) -> None:
    for column in ("first", "second") if CORPORA[name].is_pair else ("first",):
        counts = num_words(corpora[name]["train"], column)
        assert counts.min() >= low
        assert mean[0] <= counts.mean() <= mean[1]
        assert counts.max() <= high


def test_reviews_are_long_and_a_few_are_longer_than_512_tokens() -> None:
    reviews = generate("cfimdb", SplitSizes(train=600, dev=1, test=1), SEED)["train"]["first"]
    counts = reviews.str.count(" ") + 1  # punctuation stands apart: nearly one token each
    assert 180 <= counts.mean() <= 230
    assert 330 <= counts.quantile(0.95) <= 430
    assert 0 < (counts > 512).mean() < 0.05


def test_punctuation_stands_apart_as_in_the_treebank(corpora: dict[CorpusName, Frames]) -> None:
    for sentence in corpora["sst"]["train"]["first"]:
        assert sentence.endswith(" .")
        assert not re.search(r"\w[,.;]|\w'\w+ *(?<!n't)\b(?<!')s\b", sentence)


# pairs


def test_word_overlap_does_not_tell_duplicates(corpora: dict[CorpusName, Frames]) -> None:
    train = corpora["quora"]["train"]
    shares = overlap(train)
    assert (shares[train["label"] == 0] > 0.6).mean() > 0.3, "no near misses"
    assert (shares[train["label"] == 1] < 0.4).mean() > 0.3, "no rewording"
    assert (shares[train["label"] == 0] < 0.2).mean() > 0.1, "no unrelated pairs"


def changed_words(frame: pd.DataFrame) -> list[tuple[frozenset[str], float]]:
    """Return the words on one side only, and the label, of pairs of as many words."""
    return [
        (frozenset(words(row.first)) ^ frozenset(words(row.second)), row.label)
        for row in examples(frame)
        if len(words(row.first)) == len(words(row.second))
    ]


def test_swapped_places_and_other_numbers_are_not_duplicates() -> None:
    train = generate("quora", SplitSizes(train=6000, dev=1, test=1), SEED)["train"]
    pairs = changed_words(train)
    swapped = [label for changed, label in pairs if not changed]
    numbers = [
        label
        for changed, label in pairs
        if len(changed) == 2 and all(word.isdigit() for word in changed)
    ]
    for labels in (swapped, numbers):
        assert len(labels) >= 5
        assert np.mean(labels) < 0.3  # raters err


def test_added_not_makes_another_question() -> None:
    train = generate("quora", SplitSizes(train=6000, dev=1, test=1), SEED)["train"]
    labels = [
        row.label
        for row in examples(train)
        if Counter(words(row.first)) - Counter(words(row.second)) in ({"not": 1}, {})
        and Counter(words(row.second)) - Counter(words(row.first)) in ({"not": 1}, {})
        and "not" in set(words(row.first)) ^ set(words(row.second))
    ]
    assert len(labels) >= 10
    assert np.mean(labels) < 0.1


def test_overlap_goes_with_similarity(corpora: dict[CorpusName, Frames]) -> None:
    train = corpora["sts"]["train"]
    correlation = np.corrcoef(overlap(train), train["label"])[0, 1]
    assert 0.4 < correlation < 0.95  # not 1: synonyms share no word


def test_headlines_are_more_alike_than_other_pairs(corpora: dict[CorpusName, Frames]) -> None:
    train = corpora["sts"]["train"]
    is_headline = ~train["first"].str.endswith(".")
    assert 0.15 < is_headline.mean() < 0.5
    assert train["label"][is_headline].mean() > train["label"][~is_headline].mean() + 0.2


# something to learn, and something left over


@pytest.mark.parametrize(
    ("name", "over_majority", "ceiling"),
    # a sentence and a pair are more than their words; a review repeats what it says
    [("sst", 0.1, 0.9), ("cfimdb", 0.2, 1.0), ("quora", 0.05, 0.9)],
)
def test_counted_words_beat_the_majority_class(
    corpora: dict[CorpusName, Frames], name: CorpusName, over_majority: float, ceiling: float
) -> None:
    train, dev = corpora[name]["train"], corpora[name]["dev"]
    model = make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    model.fit(train["first"] + " " + train["second"], train["label"])
    accuracy = model.score(dev["first"] + " " + dev["second"], dev["label"])
    majority = dev["label"].value_counts(normalize=True).max()
    assert majority + over_majority < accuracy <= ceiling
