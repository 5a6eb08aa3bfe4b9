"""Converts text to token ids with the backbone's tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.errors import BackboneError

SPECIAL_TOKENS = ("[CLS]", "[SEP]", "[PAD]")
PROBES = ("a film", "")  # their tokens must begin with [CLS] and end with [SEP]


@dataclass(frozen=True)
class Tokenized:
    """The ids of all sentences, joined; sentence i is `input_ids[offsets[i]:offsets[i + 1]]`."""

    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]  # one more entry than there are sentences
    num_truncated: int  # number of sentences that were longer than the limit


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json, and turn off its padding and truncation.

    Raises:
        BackboneError: the file is not a tokenizer, or it lacks one of BERT's special tokens or does
            not add [CLS] and [SEP] around a sentence.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001  (the library raises bare Exception)
        raise BackboneError(f"{path} is not a tokenizer.json: {error}") from None
    missing = [token for token in SPECIAL_TOKENS if tokenizer.token_to_id(token) is None]
    if missing:
        raise BackboneError(
            f"{path} lacks the special tokens {', '.join(missing)}; take the tokenizer of a BERT, "
            "or train it with them"
        )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    # without [CLS] and [SEP], the model would use the vectors of other tokens in their place
    for text in PROBES:
        try:
            tokens = tokenizer.encode(text).tokens
        except Exception as error:  # noqa: BLE001  (the library raises bare Exception)
            raise BackboneError(f"{path} cannot encode {text!r}: {error}; train it again") from None
        if tokens[:1] != ["[CLS]"] or tokens[-1:] != ["[SEP]"]:
            raise BackboneError(
                f"{path} does not put [CLS] first and [SEP] last: {text!r} becomes {tokens}; give "
                "it the post-processor TemplateProcessing(single='[CLS] $A [SEP]', ...) and save "
                "it again"
            )
    return tokenizer


def tokenize(tokenizer: Tokenizer, sentences: Sequence[str], max_length: int) -> Tokenized:
    """Convert sentences to token ids, with [CLS] first and [SEP] last.

    Args:
        tokenizer: from `load_tokenizer`.
        sentences: one text per sentence; a pair contributes two.
        max_length: maximum number of tokens per sentence, including special tokens; a longer one is
            truncated before its [SEP].
    """
    whole = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(sentences))]
    kept = [ids[:max_length] for ids in whole]
    for ids, cut in zip(whole, kept, strict=True):
        cut[-1] = ids[-1]
    offsets = np.cumsum([0, *map(len, kept)], dtype=np.int64)
    input_ids = np.fromiter(chain.from_iterable(kept), np.int32, int(offsets[-1]))
    return Tokenized(input_ids, offsets, sum(len(ids) > max_length for ids in whole))
