"""Where corpora come from: the seed, the CS224N default project, or files of the user's own.

Each corpus becomes one folder in the uniform schema, with a note on its origin beside it.
"""

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import paths
from pipeline.corpora.carving import carve
from pipeline.corpora.pins import COMMIT, FOLDER_URL, REPOSITORY, UPSTREAM
from pipeline.corpora.reading import (
    Dropped,
    empty_split,
    read_upstream,
    write_split,
)
from pipeline.corpora.synthetic import generate
from pipeline.errors import CorpusError
from pipeline.files import replacing_folder, sha256_of, write_record
from pipeline.params import CorporaParams, Cs224nCorpora, LocalCorpora, SplitSizes, SyntheticCorpora
from pipeline.pinned import Download, fetch
from pipeline.schemas import CORPORA as CORPORA_SCHEMA
from pipeline.tasks import CORPORA, SPLITS, Corpus, Split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A corpus in the uniform schema, and what is to be known about it."""

    source: str
    description: str
    splits: Mapping[Split, pd.DataFrame]
    notes: Sequence[str] = ()
    dropped: Sequence[Dropped] = ()
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_corpora(corpora: CorporaParams, seed: int, out: Path) -> None:
    """Write a folder for each of the four corpora into `out`, each whole or not at all.

    Raises:
        FetchError: an upstream file could not be had, or is another one.
        CorpusError: an upstream file, or one of the user's own, cannot be read.
    """
    for corpus in CORPORA.values():
        if isinstance(corpora, SyntheticCorpora):
            source = _synthetic(corpus, corpora.sizes[corpus.name], seed)
        elif isinstance(corpora, LocalCorpora):
            source = _local(corpus, corpora)
        else:
            source = _cs224n(corpus, corpora, seed)
        with replacing_folder(out / corpus.name) as folder:
            _write(source, corpus, folder)
        sizes = {split: len(frame) for split, frame in source.splits.items()}
        log.info("%s: %s examples, %d rows dropped", corpus.name, sizes, len(source.dropped))


def _write(source: Source, corpus: Corpus, folder: Path) -> None:
    for split in SPLITS:
        write_split(paths.split_csv(folder, split), source.splits[split], corpus)
    origin = {
        "source": source.source,
        "description": source.description,
        "notes": list(source.notes),
        "dropped": [asdict(row) for row in source.dropped],
        "files": source.files,
    }
    write_record(paths.corpus_origin(folder), CORPORA_SCHEMA, origin)


def _synthetic(corpus: Corpus, sizes: SplitSizes, seed: int) -> Source:
    """Generate a corpus; the labels of its test split are withheld, as upstream does."""
    splits = dict(generate(corpus.name, sizes, seed))
    splits["test"] = splits["test"].assign(label=math.nan)
    return Source(
        source="synthetic",
        description=f"Sentences in the manner of {corpus.title}, generated from the seed {seed}.",
        splits=splits,
        notes=["generated from the seed by pipeline/corpora/synthetic.py; not natural text"],
    )


def _cs224n(corpus: Corpus, corpora: Cs224nCorpora, seed: int) -> Source:
    """Fetch and read a corpus of the CS224N default project."""
    carved = corpus.name == "quora" and corpora.quora_split == "carved"
    splits: dict[Split, pd.DataFrame] = {}
    dropped: list[Dropped] = []
    files: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as downloads:
        for split in ("dev",) if carved else SPLITS:
            path = Path(downloads) / UPSTREAM[corpus.name][split].pin.name
            splits[split], rows = _read(corpus, split, path)
            dropped += rows
            files[path.name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    source = Source(
        source="cs224n",
        description=f"{corpus.title}, from the files of {REPOSITORY} at commit {COMMIT}.",
        splits=splits,
        dropped=dropped,
        files=files,
    )
    return _carved(source, seed) if carved else source


def _local(corpus: Corpus, corpora: LocalCorpora) -> Source:
    """Read a corpus of the user's own; one without files is empty."""
    splits: dict[Split, pd.DataFrame] = {}
    dropped: list[Dropped] = []
    files: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        path = corpora.file_of(corpus.name, split)
        splits[split] = empty_split()
        if path:
            splits[split], rows = read_upstream(path, corpus, split)
            dropped += rows
            files[path.name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    return Source(
        source=corpora.source,
        description=f"Your own data, read as {corpus.title} is: labels 0 to {corpus.max_label}.",
        splits=splits,
        notes=[] if files else [f"{corpora.directory} has no files of {corpus.name}: left out"],
        dropped=dropped,
        files=files,
    )


def _read(corpus: Corpus, split: Split, path: Path) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """Fetch one upstream file to `path` and read it."""
    upstream = UPSTREAM[corpus.name][split]
    fetch(upstream.pin, [Download(FOLDER_URL)], path)
    frame, dropped = read_upstream(path, corpus, split)
    num_rows = len(frame) + len(dropped)
    if upstream.num_rows not in (None, num_rows):
        raise CorpusError(f"{path.name} has {num_rows} rows, expected {upstream.num_rows}")
    return frame, dropped


def _carved(published: Source, seed: int) -> Source:
    """Make train and dev out of the published Quora dev set; there is no test split then."""
    pairs = published.splits["dev"]
    note = (
        f"Quora: train and dev are carved 80/20 out of quora-dev.csv ({len(pairs):,} pairs) by "
        "connected components of shared questions, so that no question is on both sides; "
        "no test split."
    )
    sides = carve(pairs, seed)
    splits: dict[Split, pd.DataFrame] = {
        "train": sides["train"],
        "dev": sides["dev"],
        "test": empty_split(),
    }
    return replace(published, splits=splits, notes=[note])
