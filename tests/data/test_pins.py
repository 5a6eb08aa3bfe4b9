"""pins: every published file, with hashes of the right length and counts near the paper's."""

import re

import pytest

from pipeline.core.paper import TABLE_1
from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.data.pins import COMMIT, FOLDER_URL, UPSTREAM

# the paper misprints one size
MISPRINTS = {("cfimdb", "train"): -6}
NEVER_COUNTED = {("quora", "train"), ("quora", "test")}


@pytest.mark.parametrize(("name", "split"), [(name, s) for name in CORPORA for s in SPLITS])
def test_every_split_is_pinned(name: CorpusName, split: Split) -> None:
    pin, is_pair = UPSTREAM[name][split], CORPORA[name].is_pair
    prefix, suffix = "" if is_pair else "ids-", "-student" if split == "test" else ""
    assert pin.name == f"{prefix}{name}-{split}{suffix}.csv"
    assert re.fullmatch("[0-9a-f]{40}", str(pin.git_sha1))
    if (name, split) in NEVER_COUNTED:
        assert pin.num_rows is None
        return
    assert re.fullmatch("[0-9a-f]{64}", str(pin.sha256))
    assert pin.num_bytes > 20 * pin.num_rows
    # the paper counts the header lines of pairs
    assert TABLE_1[name][split] == pin.num_rows + MISPRINTS.get((name, split), int(is_pair))


def test_no_hash_stands_twice_and_the_address_holds_a_whole_commit() -> None:
    pins = [pin for splits in UPSTREAM.values() for pin in splits.values()]
    assert len({pin.git_sha1 for pin in pins}) == 12
    assert len({pin.sha256 for pin in pins if pin.sha256}) == 10
    assert re.fullmatch("[0-9a-f]{40}", COMMIT)
    assert FOLDER_URL.endswith(f"gpoesia/minbert-default-final-project/{COMMIT}/data")
