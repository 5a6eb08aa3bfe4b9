"""sources: four folders in one schema, generated or from a mirror of small upstream files."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.data import sources
from pipeline.data.pinned import Download, Pin
from pipeline.data.reading import LABEL_COLUMNS, read_split
from pipeline.data.sources import COMMIT, FOLDER_URL, UPSTREAM, write_corpora
from pipeline.plumbing.params import Cs224nCorpora, SplitSizes, SyntheticCorpora

SIZES = SplitSizes(train=12, dev=8, test=5)
SYNTHETIC = SyntheticCorpora(source="synthetic", sizes=dict.fromkeys(CORPORA, SIZES))
CARVED = Cs224nCorpora(source="cs224n", quora_split="carved")
PUBLISHED = Cs224nCorpora(source="cs224n", quora_split="published")
NUM_ROWS = {"train": 30, "dev": 20, "test": 10}
TOO_LARGE = {("quora", "train"), ("quora", "test")}


@pytest.mark.parametrize(("name", "split"), [(name, s) for name in CORPORA for s in SPLITS])
def test_every_split_is_pinned(name: CorpusName, split: Split) -> None:
    pin = UPSTREAM[name][split]
    prefix = "" if CORPORA[name].is_pair else "ids-"
    suffix = "-student" if split == "test" else ""
    assert pin.name == f"{prefix}{name}-{split}{suffix}.csv"
    assert re.fullmatch("[0-9a-f]{40}", str(pin.git_sha1))
    if (name, split) not in TOO_LARGE:  # for a SHA-256 when the others were hashed
        assert re.fullmatch("[0-9a-f]{64}", str(pin.sha256))
        assert pin.num_bytes


def test_hashes_are_unique_and_the_address_contains_a_full_commit() -> None:
    pins = [pin for splits in UPSTREAM.values() for pin in splits.values()]
    assert len({pin.git_sha1 for pin in pins}) == 12
    assert len({pin.sha256 for pin in pins if pin.sha256}) == 10
    assert re.fullmatch("[0-9a-f]{40}", COMMIT)
    assert FOLDER_URL.endswith(f"gpoesia/minbert-default-final-project/{COMMIT}/data")


def pinned(mirror: Path, name: CorpusName, split: Split) -> Pin:
    """Write a file in the upstream format; the third row of Quora's dev set has an empty field."""
    columns = ["sentence1", "sentence2"] if CORPORA[name].is_pair else ["sentence"]
    label = [] if split == "test" else [LABEL_COLUMNS[name]]
    lines = [["", "id", *columns, *label]]
    for i in range(NUM_ROWS[split]):
        texts = [f" {column} {i} of {split}" for column in columns]
        if (name, split, i) == ("quora", "dev", 2):
            texts[1] = ""
        lines.append([str(i), f"{name}{split}{i}", *texts, *[f"{i % 2}.0" for _ in label]])
    content = "".join("\t".join(line) + "\n" for line in lines).encode()
    file = UPSTREAM[name][split].name
    (mirror / file).write_bytes(content)
    return Pin(file, sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a mirror with small files in place of the pinned ones; there is no network."""
    directory = tmp_path / "mirror"
    directory.mkdir()
    pins = {name: {split: pinned(directory, name, split) for split in SPLITS} for name in CORPORA}
    monkeypatch.setattr(sources, "UPSTREAM", pins)
    closed = Download("http://127.0.0.1:1", retries=0)
    monkeypatch.setattr(sources, "Download", lambda url: closed)
    monkeypatch.setenv("MINBERT_MIRROR", str(directory))
    return directory


def written(corpora: Any, out: Path, seed: int = 1) -> dict[str, Any]:
    """Write corpora; return origins by corpus, and bytes by file."""
    write_corpora(corpora, seed, out)
    return {name: json.loads((out / name / "origin.json").read_text()) for name in CORPORA} | {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def counts(out: Path) -> dict[str, list[int]]:
    return {
        name: [len(read_split(out / name / f"{split}.csv", corpus)) for split in SPLITS]
        for name, corpus in CORPORA.items()
    }


def test_generated_corpora_are_marked_and_have_no_test_labels(tmp_path: Path) -> None:
    origins = written(SYNTHETIC, tmp_path)
    assert counts(tmp_path) == {name: [12, 8, 5] for name in CORPORA}
    for name, corpus in CORPORA.items():
        assert origins[name] == {
            "schema": "corpora/1",
            "source": "synthetic",
            "description": f"Sentences in the manner of {corpus.title}, generated from the seed 1.",
            "notes": ["generated from the seed by pipeline/data/synthetic.py; not natural text"],
            "dropped": [],
            "files": {},
        }
        assert read_split(tmp_path / name / "test.csv", corpus)["label"].isna().all()
        assert read_split(tmp_path / name / "dev.csv", corpus)["label"].notna().all()


def test_published_files_are_converted_and_their_origin_is_recorded(
    mirror: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    files = written(PUBLISHED, out)
    assert counts(out) == {key: [30, 20, 10] for key in CORPORA} | {"quora": [30, 19, 10]}
    lines = files["quora/train.csv"].decode().splitlines()
    assert lines[2] == "quoratrain1,sentence1 1 of train,sentence2 1 of train,1"
    content = (mirror / "quora-dev.csv").read_bytes()
    origin, sha256 = files["quora"], hashlib.sha256(content).hexdigest()
    assert (origin["source"], origin["notes"]) == ("cs224n", [])
    assert origin["dropped"] == [
        {"split": "dev", "id": "quoradev2", "row": 4, "reason": "empty: sentence2"}
    ]
    assert sorted(origin["files"]) == ["quora-dev.csv", "quora-test-student.csv", "quora-train.csv"]
    assert origin["files"]["quora-dev.csv"] == {"sha256": sha256, "bytes": len(content)}
    # upstream files are not kept
    assert len([name for name in files if "/" in name]) == 4 * len(CORPORA)


def test_carved_quora_needs_only_its_dev_file_and_no_other_corpus_changes(
    mirror: Path, tmp_path: Path
) -> None:
    published = written(PUBLISHED, tmp_path / "published", seed=2)
    (mirror / "quora-train.csv").unlink()
    (mirror / "quora-test-student.csv").unlink()
    out = tmp_path / "out"
    carved = written(CARVED, out)
    assert counts(out)["quora"] == [15, 4, 0]
    assert carved["quora"]["notes"] == [
        "Quora: train and dev are carved 80/20 out of quora-dev.csv (19 pairs) by connected "
        "components of shared questions, so that no question is on both sides; no test split."
    ]
    assert [row["id"] for row in carved["quora"]["dropped"]] == ["quoradev2"]
    assert list(carved["quora"]["files"]) == ["quora-dev.csv"]
    changed = {name for name in carved if carved[name] != published[name]}
    assert all(name.startswith("quora") for name in changed)
