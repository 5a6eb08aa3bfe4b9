"""The token ids of a corpus on disk: tokenized once, unpadded, memory-mapped.

A cache is a folder with four arrays for each split and one `cache.json`. Sentence s of example i
has the index `i * num_sentences + s`.
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

    It has N examples of S sentences, stored one after another. A model reads each sentence as a
    separate sequence or, if `is_joint`, both sentences of a pair as one sequence.
    """

    corpus: Corpus
    input_ids: NDArray[np.int32]  # all sentences, concatenated
    offsets: NDArray[np.int64]  # [N * S + 1], sentence j is input_ids[offsets[j] : offsets[j + 1]]
    labels: NDArray[np.float32]  # [N], NaN in a split without labels
    example_ids: NDArray[np.str_]  # [N]
    pad_id: int
    max_length: int = 512  # maximum number of tokens of a sequence
    is_joint: bool = False
    num_cut: int = 0  # joint pairs that were truncated

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    @property
    def num_sequences(self) -> int:
        """Return the number of sequences per example, G."""
        return 1 if self.is_joint else self.corpus.task.num_sentences

    @property
    def sequence_offsets(self) -> NDArray[np.int64]:
        """Return where each sequence starts and where the last one ends, [N * G + 1]."""
        return self.offsets[:: self.corpus.task.num_sentences // self.num_sequences]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of tokens in the longest sequence of each example, [N]."""
        per_sequence = np.diff(self.sequence_offsets).reshape(len(self), self.num_sequences)
        return np.asarray(per_sequence.max(axis=1, initial=0))

    def sentences(self, example: int) -> list[NDArray[np.int32]]:
        """Return the token ids of the sentences of an example."""
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
    """Tokenize a corpus; return the number of sentences truncated to `max_length` per split.

    Args:
        frames: the splits in the uniform schema.
        corpus: the corpus of the splits.
        tokenizer_path: the backbone's tokenizer.json.
        max_length: maximum number of tokens of a sentence, including [CLS] and [SEP].
        out: the folder of the cache, which is replaced.
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
    """Open one split of a cache; the token ids stay on disk until they are used.

    Raises:
        CorpusError: the cache is missing or damaged.
        SchemaError: another version of this project wrote the cache.
    """
    try:
        cache = TokenCache.read(folder / "cache.json")
        arrays: dict[str, Any] = {}
        for name in ARRAYS:
            path = _array_path(folder, split, name)
            is_large = path.stat().st_size > 4096  # more than a page; empty files cannot be mapped
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
