"""Reads the config.json of a BERT model, and rejects models that minBERT cannot reproduce.

It does not import torch, so that the stage `backbone` can check the user's own files without it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from pipeline.core.files import read_json
from pipeline.errors import BackboneError

Size = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="ignore"))
class BertConfig:
    """The sizes of a BERT model, named as in its config.json.

    The last three fields are fixed in minBERT; a config.json may omit them.
    """

    vocab_size: Size
    hidden_size: Size  # D
    num_hidden_layers: Size  # L
    num_attention_heads: Size  # H
    intermediate_size: Size  # F
    max_position_embeddings: Size  # the maximum of T
    type_vocab_size: Size
    pad_token_id: Annotated[int, Field(ge=0)]
    hidden_dropout_prob: Probability
    attention_probs_dropout_prob: Probability
    layer_norm_eps: Annotated[float, Field(gt=0, lt=1)]
    model_type: Literal["bert"] = "bert"
    hidden_act: Literal["gelu"] = "gelu"
    position_embedding_type: Literal["absolute"] = "absolute"

    def __post_init__(self) -> None:
        """Reject inconsistent sizes."""
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be a multiple of "
                f"num_attention_heads ({self.num_attention_heads})"
            )
        if self.pad_token_id >= self.vocab_size:
            raise ValueError(f"pad_token_id ({self.pad_token_id}) is outside the vocabulary")


def config_from_json(path: Path) -> BertConfig:
    """Read the config.json of a BERT model; ignore keys that do not affect its outputs.

    Raises:
        BackboneError: keys are missing or have unsupported values; the message names each.
    """
    try:
        raw = read_json(path)
    except FileNotFoundError:
        raise BackboneError(f"{path} is missing; fetch the backbone again") from None
    except (ValueError, RecursionError) as error:
        raise BackboneError(f"{path} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise BackboneError(
            f"{path} is not a BERT's config: expected keys and values, found {str(raw)[:60]!r}"
        )
    try:
        return BertConfig(**raw)
    except ValidationError as error:
        problems = "; ".join(map(_clause, error.errors()))
        raise BackboneError(
            f"{path} does not describe a BERT: {problems}; docs/adding.md says what a backbone "
            "must have"
        ) from None


def _clause(detail: ErrorDetails) -> str:
    """Return a clause that names the wrong key and says what it must be."""
    key = ".".join(map(str, detail["loc"]))
    if detail["type"] == "missing":
        return f"{key} is missing"
    if not key:
        return detail["msg"].removeprefix("Value error, ")
    return f"{key} {detail['msg'].replace('Input should', 'must')}, not {detail['input']!r}"
