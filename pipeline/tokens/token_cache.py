"""Token ids of a corpus on disk: ragged, memory-mapped, tokenized once.

A cache is a folder with four arrays for each split and one `cache.json`. Sentence s of example i
is number `i * num_sentences + s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import read_array, write_array
from pipeline.core.files import replacing_folder
from pipeline.core.records import TokenCache
from pipeline.core.tasks import CORPORA, Corpus, Split
from pipeline.core.tokenizer import load_tokenizer, tokenize
from pipeline.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = ("input_ids", "offsets", "labels", "example_ids")


@dataclass(frozen=True)
class TokenizedSplit:
    """One split of a corpus, memory-mapped.

    N examples of S sentences each. A model reads each sentence as a sequence of its own, or, where
    `is_joint`, both sentences of a pair as one: they stand side by side here.
    """

    corpus: Corpus
    input_ids: NDArray[np.int32]  # all sentences in a row
    offsets: NDArray[np.int64]  # [N * S + 1]
    labels: NDArray[np.float32]  # [N], NaN where a split has none
    example_ids: NDArray[np.str_]  # [N]
    pad_id: int
    max_length: int = 512  # tokens that a sequence may have
    is_joint: bool = False
    num_cut: int = 0  # pairs that lost tokens to become one sequence

    def __len__(self) -> int:
        """Count the examples."""
        return len(self.labels)

    @property
    def num_sequences(self) -> int:
        """Count the sequences of an example, G."""
        return 1 if self.is_joint else self.corpus.task.num_sentences

    @property
    def sequence_offsets(self) -> NDArray[np.int64]:
        """Return where sequences begin and the last one ends, [N * G + 1]."""
        return self.offsets[:: self.corpus.task.num_sentences // self.num_sequences]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the tokens of each example's longest sequence, [N]."""
        per_sequence = np.diff(self.sequence_offsets).reshape(len(self), self.num_sequences)
        return np.asarray(per_sequence.max(axis=1, initial=0))

    def sentences(self, example: int) -> list[NDArray[np.int32]]:
        """Return the ids of an example's sentences."""
        count = self.corpus.task.num_sentences
        bounds = self.offsets[example * count : (example + 1) * count + 1]
        return [self.input_ids[a:b] for a, b in pairwise(bounds)]


def write_cache(
    frames: "Mapping[Split, pd.DataFrame]",
    corpus: Corpus,
    tokenizer_path: Path,
    max_length: int,
    out: Path,
) -> dict[Split, int]:
    """Tokenize a corpus; return how many sentences of each split were cut at `max_length`.

    Args:
        frames: the splits in the uniform schema.
        corpus: what they are.
        tokenizer_path: the backbone's tokenizer.json.
        max_length: tokens of a sentence, [CLS] and [SEP] included.
        out: the folder of the cache; what it held before is replaced.
    """
    tokenizer = load_tokenizer(tokenizer_path)
    columns = ["first", "second"][: corpus.task.num_sentences]
    truncated: dict[Split, int] = {}
    with replacing_folder(out) as folder:
        for split, frame in frames.items():
            sentences = frame[columns].to_numpy(dtype=object).ravel().tolist()
            tokenized = tokenize(tokenizer, sentences, max_length)
            truncated[split] = tokenized.num_truncated
            arrays: dict[str, NDArray[np.generic]] = {
                "input_ids": tokenized.input_ids,
                "offsets": tokenized.offsets,
                "labels": frame["label"].to_numpy(np.float32),
                "example_ids": np.array(frame["id"].tolist(), dtype=np.str_),
            }
            for name, array in arrays.items():
                write_array(_array_path(folder, split, name), array)
        cache = TokenCache(
            corpus=corpus.name,
            max_length=max_length,
            pad_id=tokenizer.get_vocab()["[PAD]"],
            examples={split: len(frame) for split, frame in frames.items()},
            truncated_sentences=truncated,
        )
        cache.write(folder / "cache.json")
    return truncated


def read_cache(folder: Path, split: Split) -> TokenizedSplit:
    """Open one split of a cache; the ids stay on disk until they are used.

    Raises:
        CorpusError: the cache is missing or damaged.
        SchemaError: it is of another version.
    """
    try:
        cache = TokenCache.read(folder / "cache.json")
        arrays: dict[str, Any] = {}
        for name in ARRAYS:
            path = _array_path(folder, split, name)
            is_large = path.stat().st_size > 4096  # than a page; a smaller one may even be empty
            arrays[name] = read_array(path, mapped="r" if is_large else None)
        return TokenizedSplit(
            CORPORA[cache.corpus], **arrays, pad_id=cache.pad_id, max_length=cache.max_length
        )
    except (OSError, ValueError) as error:
        raise CorpusError(
            f"the token cache {folder} is missing or damaged ({error}); delete {folder} and "
            "run `dvc repro`"
        ) from None


def _array_path(folder: Path, split: Split, name: str) -> Path:
    return folder / f"{split}-{name.replace('_', '-')}.npy"
