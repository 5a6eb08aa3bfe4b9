"""sources: four folders in one schema, from the seed or from a mirror of small upstream files."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpora import sources
from pipeline.corpora.pins import UPSTREAM, UpstreamFile
from pipeline.corpora.reading import read_split
from pipeline.corpora.sources import write_corpora
from pipeline.errors import CorpusError, FetchError
from pipeline.params import Cs224nCorpora, SplitSizes, SyntheticCorpora
from pipeline.pinned import Download, Pin
from pipeline.tasks import CORPORA, SPLITS, CorpusName, Split

SIZES = SplitSizes(train=12, dev=8, test=5)
SYNTHETIC = SyntheticCorpora(source="synthetic", sizes=dict.fromkeys(CORPORA, SIZES))
CARVED = Cs224nCorpora(source="cs224n", quora_split="carved")
PUBLISHED = Cs224nCorpora(source="cs224n", quora_split="published")
NUM_ROWS = {"train": 30, "dev": 20, "test": 10}


def upstream_text(name: CorpusName, split: Split) -> str:
    """Compose a file in the upstream format; the third row of Quora's dev set has a hole."""
    labels = {
        "sst": "sentiment",
        "cfimdb": "sentiment",
        "quora": "is_duplicate",
        "sts": "similarity",
    }
    columns = ["sentence1", "sentence2"] if CORPORA[name].is_pair else ["sentence"]
    label = [] if split == "test" else [labels[name]]
    lines = [["", "id", *columns, *label]]
    for i in range(NUM_ROWS[split]):
        texts = [f" {column} {i} of {split}" for column in columns]
        if (name, split, i) == ("quora", "dev", 2):
            texts[1] = ""
        lines.append([str(i), f"{name}{split}{i}", *texts, *[f"{i % 2}.0" for _ in label]])
    return "".join("\t".join(line) + "\n" for line in lines)


def pinned(mirror: Path, name: CorpusName, split: Split) -> UpstreamFile:
    file = UPSTREAM[name][split].pin.name
    content = upstream_text(name, split).encode()
    (mirror / file).write_bytes(content)
    return UpstreamFile(Pin(file, sha256=hashlib.sha256(content).hexdigest()), NUM_ROWS[split])


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a mirror with small files in place of the pinned ones; the way outside is shut."""
    directory = tmp_path / "mirror"
    directory.mkdir()
    pins = {name: {split: pinned(directory, name, split) for split in SPLITS} for name in CORPORA}
    monkeypatch.setattr(sources, "UPSTREAM", pins)
    monkeypatch.setattr(sources, "Download", lambda url: Download("http://127.0.0.1:1", retries=0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MINBERT_MIRROR", str(directory))
    return directory


def origin_of(out: Path, name: str) -> dict[str, Any]:
    origin: dict[str, Any] = json.loads((out / name / "origin.json").read_text(encoding="utf-8"))
    return origin


def counts_of(out: Path) -> Mapping[str, list[int]]:
    return {
        name: [len(read_split(out / name / f"{split}.csv", corpus)) for split in SPLITS]
        for name, corpus in CORPORA.items()
    }


def files_in(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_generated_corpora_have_the_sizes_asked_for(tmp_path: Path) -> None:
    write_corpora(SYNTHETIC, seed=1, out=tmp_path)
    assert counts_of(tmp_path) == {name: [12, 8, 5] for name in CORPORA}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(CORPORA)


def test_generated_corpora_say_so_and_withhold_the_labels_of_the_test_split(
    tmp_path: Path,
) -> None:
    write_corpora(SYNTHETIC, seed=1, out=tmp_path)
    for name, corpus in CORPORA.items():
        assert origin_of(tmp_path, name) == {
            "schema": "corpora/1",
            "source": "synthetic",
            "description": f"Sentences in the manner of {corpus.title}, generated from the seed 1.",
            "notes": ["generated from the seed by pipeline/corpora/synthetic.py; not natural text"],
            "dropped": [],
            "files": {},
        }
        assert read_split(tmp_path / name / "test.csv", corpus)["label"].isna().all()
        assert read_split(tmp_path / name / "dev.csv", corpus)["label"].notna().all()


def test_the_seed_decides_what_is_generated(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_corpora(SYNTHETIC, seed=seed, out=tmp_path / folder)
    a, b, c = (files_in(tmp_path / folder) for folder in "abc")
    assert a == b
    assert a["sst/train.csv"] != c["sst/train.csv"]


def test_published_files_become_the_uniform_schema(mirror: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_corpora(PUBLISHED, seed=1, out=out)
    assert counts_of(out) == {
        "sst": [30, 20, 10],
        "cfimdb": [30, 20, 10],
        "quora": [30, 19, 10],
        "sts": [30, 20, 10],
    }
    lines = (out / "quora" / "train.csv").read_text(encoding="utf-8").splitlines()
    assert lines[2] == "quoratrain1,sentence1 1 of train,sentence2 1 of train,1"
    assert origin_of(out, "quora")["notes"] == []


def test_the_origin_names_dropped_rows_and_files_with_their_hashes(
    mirror: Path, tmp_path: Path
) -> None:
    write_corpora(PUBLISHED, seed=1, out=tmp_path / "out")
    origin = origin_of(tmp_path / "out", "quora")
    assert origin["source"] == "cs224n"
    assert origin["dropped"] == [
        {"split": "dev", "id": "quoradev2", "row": 4, "reason": "empty: sentence2"}
    ]
    assert sorted(origin["files"]) == ["quora-dev.csv", "quora-test-student.csv", "quora-train.csv"]
    content = (mirror / "quora-dev.csv").read_bytes()
    assert origin["files"]["quora-dev.csv"] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


def test_upstream_files_are_not_kept(mirror: Path, tmp_path: Path) -> None:
    write_corpora(PUBLISHED, seed=1, out=tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {"train.csv", "dev.csv", "test.csv", "origin.json"}


def test_carved_quora_needs_its_dev_file_alone(mirror: Path, tmp_path: Path) -> None:
    (mirror / "quora-train.csv").unlink()
    (mirror / "quora-test-student.csv").unlink()
    out = tmp_path / "out"
    write_corpora(CARVED, seed=1, out=out)
    assert counts_of(out)["quora"] == [15, 4, 0]
    assert (out / "quora" / "test.csv").read_text(encoding="utf-8") == "id,first,second,label\n"
    origin = origin_of(out, "quora")
    assert origin["notes"] == [
        "Quora: train and dev are carved 80/20 out of quora-dev.csv (19 pairs) by connected "
        "components of shared questions, so that no question is on both sides; no test split."
    ]
    assert [row["id"] for row in origin["dropped"]] == ["quoradev2"]
    assert list(origin["files"]) == ["quora-dev.csv"]


def test_carving_touches_no_other_corpus(mirror: Path, tmp_path: Path) -> None:
    write_corpora(CARVED, seed=1, out=tmp_path / "carved")
    write_corpora(PUBLISHED, seed=2, out=tmp_path / "published")
    carved, published = (files_in(tmp_path / name) for name in ("carved", "published"))
    assert {name for name in carved if carved[name] != published[name]} == {
        f"quora/{name}" for name in ("train.csv", "dev.csv", "test.csv", "origin.json")
    }


def test_a_file_that_cannot_be_had_is_named_with_what_to_do(mirror: Path, tmp_path: Path) -> None:
    (mirror / "quora-train.csv").unlink()
    with pytest.raises(
        FetchError, match=r"quora-train\.csv could not be fetched .* MINBERT_MIRROR"
    ):
        write_corpora(PUBLISHED, seed=1, out=tmp_path / "out")
    # what came before is whole, what failed is not there at all
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cfimdb", "sst"]


def test_a_failure_leaves_the_old_corpus_as_it_was(mirror: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_corpora(PUBLISHED, seed=1, out=out)
    before = files_in(out)
    (mirror / "sts-dev.csv").write_text("another file", encoding="utf-8")
    with pytest.raises(FetchError, match=r"sts-dev\.csv from mirror .* is not the pinned file"):
        write_corpora(PUBLISHED, seed=1, out=out)
    assert files_in(out) == before


def test_a_wrong_number_of_rows_is_refused(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sources.UPSTREAM["sst"]["dev"]
    pins = {**sources.UPSTREAM["sst"], "dev": UpstreamFile(file.pin, 21)}
    monkeypatch.setattr(sources, "UPSTREAM", {**sources.UPSTREAM, "sst": pins})
    with pytest.raises(CorpusError, match=r"ids-sst-dev\.csv has 20 rows, expected 21"):
        write_corpora(PUBLISHED, seed=1, out=tmp_path / "out")
