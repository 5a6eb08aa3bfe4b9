"""The files of the CS224N default project, pinned: the very splits the paper used."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.core.tasks import CorpusName, Split
from pipeline.core.yaml12 import read_yaml
from pipeline.data.pinned import Pin

REPOSITORY = "gpoesia/minbert-default-final-project"
COMMIT = "7ac8260577fc12a86c7aaf38918056c30054ef39"  # of 2023-03-03
FOLDER_URL = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/data"

UPSTREAM: Mapping[CorpusName, Mapping[Split, Pin]] = {
    corpus: {split: Pin(**pin) for split, pin in splits.items()}
    for corpus, splits in read_yaml(Path(__file__).with_name("pins.yaml")).items()
}
