"""A BERT's config.json: its sizes, and whether it asks for what minBERT computes.

Knows no torch: the stage `backbone` judges the user's own files by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pipeline.core.files import read_json
from pipeline.errors import BackboneError


@dataclass(frozen=True)
class BertConfig:
    """The sizes of a BERT, under the names of its config.json."""

    vocab_size: int
    hidden_size: int  # D
    num_hidden_layers: int  # L
    num_attention_heads: int  # H
    intermediate_size: int  # F
    max_position_embeddings: int  # the longest T
    type_vocab_size: int
    pad_token_id: int
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float
    layer_norm_eps: float


def config_from_json(path: Path) -> BertConfig:
    """Read a BERT's config.json; keys that do not bear on its outputs are passed over.

    Raises:
        BackboneError: one clause for every key that is missing or not what minBERT computes.
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
    problems = [*_other_architecture(raw), *_wrong_sizes(raw)]
    if problems:
        raise BackboneError(
            f"{path} does not describe a BERT: {'; '.join(problems)}; docs/adding.md says what a "
            "backbone is"
        )
    return BertConfig(**{field.name: raw[field.name] for field in fields(BertConfig)})


def _other_architecture(raw: Mapping[str, Any]) -> list[str]:
    """Say where a config asks for a computation that minBERT does not do."""
    wanted = {"model_type": "bert", "hidden_act": "gelu"}
    if "position_embedding_type" in raw:  # younger configs leave it out
        wanted["position_embedding_type"] = "absolute"
    return [
        f"{key} must be {value!r}, not {raw[key]!r}" if key in raw else f"{key} is missing"
        for key, value in wanted.items()
        if raw.get(key) != value
    ]


def _wrong_sizes(raw: Mapping[str, Any]) -> list[str]:
    """Say which sizes are missing or impossible."""
    problems = [
        f"{field.name} {_expected(field.name)}, not {raw[field.name]!r}"
        if field.name in raw
        else f"{field.name} is missing"
        for field in fields(BertConfig)
        if not _is_possible(field.name, raw.get(field.name))
    ]
    if not problems and raw["hidden_size"] % raw["num_attention_heads"]:
        problems.append(
            f"hidden_size ({raw['hidden_size']}) must be a multiple of "
            f"num_attention_heads ({raw['num_attention_heads']})"
        )
    if not problems and raw["pad_token_id"] >= raw["vocab_size"]:
        problems.append(f"pad_token_id ({raw['pad_token_id']}) is outside the vocabulary")
    return problems


def _expected(key: str) -> str:
    if key.endswith("_prob"):
        return "must be at least 0 and below 1"
    if key == "layer_norm_eps":
        return "must be above 0 and below 1"
    return f"must be a whole number from {0 if key == 'pad_token_id' else 1}"


def _is_possible(key: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if key.endswith("_prob"):
        return 0 <= value < 1
    if key == "layer_norm_eps":
        return 0 < value < 1
    return isinstance(value, int) and value >= (0 if key == "pad_token_id" else 1)
