"""synthetic: known corpora, sizes, and the independence of splits."""

import hashlib
import re
from collections import Counter

import pandas as pd
import pytest

from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.data import synthetic
from pipeline.data.synthetic import generate
from pipeline.data.wording import Example
from pipeline.errors import CorpusError
from pipeline.plumbing.params import SplitSizes

SEED = 11711
SIZES: dict[CorpusName, SplitSizes] = {
    "sst": SplitSizes(train=1600, dev=300, test=300),
    "cfimdb": SplitSizes(train=256, dev=128, test=64),
    "quora": SplitSizes(train=1600, dev=400, test=400),
    "sts": SplitSizes(train=800, dev=200, test=200),
}
Corpora = dict[CorpusName, dict[Split, pd.DataFrame]]


@pytest.fixture(scope="module")
def corpora() -> Corpora:
    return {name: generate(name, SIZES[name], SEED) for name in CORPORA}


def bare(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


@pytest.mark.parametrize("name", CORPORA)
def test_splits_have_the_right_sizes_and_columns_and_no_text_twice(
    corpora: Corpora, name: CorpusName
) -> None:
    keys: Counter[tuple[str, ...]] = Counter()
    for split in SPLITS:
        frame = corpora[name][split]
        assert len(frame) == getattr(SIZES[name], split)
        assert list(frame.columns) == ["id", "first", "second", "label"]
        assert frame["label"].dtype == "float64"
        assert frame["id"].is_unique
        assert frame["id"].str.fullmatch(r"[0-9a-f]{25}").all()  # as in the upstream files
        assert frame["first"].str.strip().ne("").all()
        assert (frame["second"].str.strip().ne("") == CORPORA[name].is_pair).all()
        texts = zip(frame["first"], frame["second"], strict=True)
        keys.update(tuple(sorted((bare(one), bare(other)))) for one, other in texts)
    assert max(keys.values()) == 1  # pairs in either order
    assert not [key for key in keys if key[0] == key[1]]


KNOWN = {
    "sst": "06b5db4902f96459",
    "cfimdb": "6f3a7e33946132af",
    "quora": "19e55a789acd470c",
    "sts": "bb458533b63a2827",
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_known_seed_gives_the_known_corpus(corpora: Corpora, name: CorpusName) -> None:
    """Texts must not change with a new version of a library: they are part of the results."""
    text = pd.concat(corpora[name].values()).to_json(orient="values")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == KNOWN[name]


@pytest.mark.parametrize("name", CORPORA)
def test_the_training_set_depends_on_the_seed_but_not_on_other_sizes(
    corpora: Corpora, name: CorpusName
) -> None:
    train = corpora[name]["train"]
    sizes = SIZES[name].model_copy(update={"dev": 150, "test": 10})
    pd.testing.assert_frame_equal(generate(name, sizes, SEED)["train"], train)
    other = generate(name, sizes, SEED + 1)["train"]
    assert set(other["id"]).isdisjoint(train["id"])
    assert (other["first"] != train["first"]).mean() > 0.95


def test_impossible_sizes_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        synthetic, "COMPOSERS", {"sst": lambda rng, quantile: Example("Good .", "", 3.0)}
    )
    with pytest.raises(CorpusError, match=r"no new example of sst after 1; .*`sizes` in params"):
        generate("sst", SplitSizes(train=2, dev=1, test=1), SEED)
