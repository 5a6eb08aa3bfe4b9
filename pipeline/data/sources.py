"""Generates corpora, fetches those of CS224N, or reads the user's own files.

Each corpus becomes one folder in the uniform schema, with a record of its origin.
"""

import logging
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from pipeline.core import paths
from pipeline.core.files import replacing_folder, sha256_of
from pipeline.core.records import CorpusOrigin, Dropped, SourceFile
from pipeline.core.tasks import CORPORA, SPLITS, Corpus, CorpusName, Split
from pipeline.core.yaml12 import read_yaml
from pipeline.data.carving import carve, is_carved
from pipeline.data.pinned import Download, Pin, fetch
from pipeline.data.reading import frame_of, read_upstream, write_split
from pipeline.data.synthetic import generate
from pipeline.plumbing.params import CorporaParams, Cs224nCorpora, LocalCorpora, SyntheticCorpora

log = logging.getLogger(__name__)

# the files of the CS224N default project, with exactly the splits that the paper used
REPOSITORY = "gpoesia/minbert-default-final-project"
COMMIT = "7ac8260577fc12a86c7aaf38918056c30054ef39"  # from 2023-03-03
FOLDER_URL = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/data"
UPSTREAM: Mapping[CorpusName, Mapping[Split, Pin]] = {
    corpus: {split: Pin(**pin) for split, pin in splits.items()}
    for corpus, splits in read_yaml(Path(__file__).with_name("pins.yaml")).items()
}


@dataclass
class Source:
    """A corpus in the uniform schema, and its origin."""

    source: str
    description: str
    splits: dict[Split, pd.DataFrame] = field(
        default_factory=lambda: {split: frame_of([]) for split in SPLITS}
    )
    notes: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    files: dict[str, SourceFile] = field(default_factory=dict)

    def read(self, path: Path, corpus: Corpus, split: Split) -> None:
        """Add a split from a file in the upstream format."""
        self.splits[split], dropped = read_upstream(path, corpus, split)
        self.dropped += dropped
        self.files[path.name] = SourceFile(sha256_of(path), path.stat().st_size)


def write_corpora(corpora: CorporaParams, seed: int, out: Path) -> None:
    """Write a folder for each of the four corpora into `out`; leave no folder incomplete.

    Raises:
        FetchError: an upstream file could not be fetched, or has a different hash.
        CorpusError: an upstream file, or one of the user's own, cannot be read.
    """
    for corpus in CORPORA.values():
        if isinstance(corpora, SyntheticCorpora):
            source = _synthetic(corpus, corpora, seed)
        elif isinstance(corpora, LocalCorpora):
            source = _local(corpus, corpora)
        else:
            source = _cs224n(corpus, corpora, seed)
        with replacing_folder(out / corpus.name) as folder:
            for split, frame in source.splits.items():
                write_split(paths.split_csv(folder, split), frame, corpus)
            origin = {key: value for key, value in vars(source).items() if key != "splits"}
            CorpusOrigin(**origin).write(folder / paths.ORIGIN)
        sizes = {split: len(frame) for split, frame in source.splits.items()}
        log.info("%s: %s examples, %d rows dropped", corpus.name, sizes, len(source.dropped))


def _synthetic(corpus: Corpus, corpora: SyntheticCorpora, seed: int) -> Source:
    """Generate a corpus; like upstream, omit the labels of its test split."""
    splits = generate(corpus.name, corpora.sizes[corpus.name], seed)
    splits["test"] = splits["test"].assign(label=math.nan)
    return Source(
        source="synthetic",
        description=f"Sentences in the manner of {corpus.title}, generated from the seed {seed}.",
        splits=splits,
        notes=["generated from the seed by pipeline/data/synthetic.py; not natural text"],
    )


def _local(corpus: Corpus, corpora: LocalCorpora) -> Source:
    """Read one of the user's own corpora; without files, it is empty."""
    source = Source(
        source=corpora.source,
        description=f"Your own data, read as {corpus.title} is: labels 0 to {corpus.max_label}.",
    )
    for split in SPLITS:
        if path := corpora.file_of(corpus.name, split):
            source.read(path, corpus, split)
    if not source.files:
        source.notes.append(f"{corpora.directory} has no files of {corpus.name}: left out")
    return source


def _cs224n(corpus: Corpus, corpora: Cs224nCorpora, seed: int) -> Source:
    """Fetch and read a corpus from the CS224N default project; carve Quora if params say so."""
    source = Source(
        source="cs224n",
        description=f"{corpus.title}, from the files of {REPOSITORY} at commit {COMMIT}.",
    )
    carved = is_carved(corpus, corpora)
    with tempfile.TemporaryDirectory() as downloads:
        for split, pin in UPSTREAM[corpus.name].items():
            if carved and split != "dev":
                continue
            path = Path(downloads) / pin.name
            fetch(pin, [Download(FOLDER_URL)], path)
            source.read(path, corpus, split)
    if carved:
        pairs = source.splits["dev"]
        source.splits |= carve(pairs, seed)
        source.notes.append(
            f"Quora: train and dev are carved 80/20 out of quora-dev.csv ({len(pairs):,} pairs) by "
            "connected components of shared questions, so that no question is on both sides; "
            "no test split."
        )
    return source
