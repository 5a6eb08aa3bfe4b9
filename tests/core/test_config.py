"""config.json: what minBERT computes is read, anything else refused by key."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.config import BertConfig, config_from_json
from pipeline.errors import BackboneError

SMALL = BertConfig(
    vocab_size=60,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=16,
    type_vocab_size=2,
    pad_token_id=0,
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    layer_norm_eps=1e-12,
)
GOOD = {**asdict(SMALL), "model_type": "bert", "hidden_act": "gelu", "use_cache": True}


def written(directory: Path, config: Mapping[str, Any]) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    return path


def test_config_is_read_and_keys_without_a_bearing_are_passed_over(tmp_path: Path) -> None:
    assert config_from_json(written(tmp_path, GOOD)) == SMALL


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model_type", "roberta", "model_type must be 'bert', not 'roberta'"),
        ("hidden_act", "gelu_new", "hidden_act must be 'gelu', not 'gelu_new'"),
        ("position_embedding_type", "relative_key", "position_embedding_type must be 'absolute'"),
        ("num_attention_heads", 5, r"hidden_size \(32\) must be a multiple of .*heads \(5\)"),
        ("hidden_size", "32", "hidden_size must be a whole number from 1, not '32'"),
        ("num_hidden_layers", 0, "num_hidden_layers must be a whole number from 1, not 0"),
        ("num_hidden_layers", 2.5, "num_hidden_layers must be a whole number from 1, not 2.5"),
        ("vocab_size", True, "vocab_size must be a whole number from 1, not True"),
        ("pad_token_id", -1, "pad_token_id must be a whole number from 0, not -1"),
        ("pad_token_id", 60, r"pad_token_id \(60\) is outside the vocabulary"),
        ("hidden_dropout_prob", 1.0, "hidden_dropout_prob must be at least 0 and below 1"),
        ("layer_norm_eps", 0, "layer_norm_eps must be above 0 and below 1, not 0"),
    ],
)
def test_config_of_another_model_is_refused_by_file_and_key(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    path = written(tmp_path, {**GOOD, key: value})
    with pytest.raises(BackboneError, match=f"config.json does not describe a BERT: {said}"):
        config_from_json(path)


@pytest.mark.parametrize("key", [*asdict(SMALL), "model_type", "hidden_act"])
def test_config_without_a_key_is_refused_by_its_name(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, {name: value for name, value in GOOD.items() if name != key})
    with pytest.raises(BackboneError, match=f"config.json.*{key} is missing"):
        config_from_json(path)


def test_all_problems_of_a_config_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "hidden_act": "relu", "vocab_size": 0})
    with pytest.raises(BackboneError, match=r"hidden_act .*; vocab_size "):
        config_from_json(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "config.json is missing"), ("{", "is not JSON"), ("[1]", "expected keys and values")],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BackboneError, match=said):
        config_from_json(path)
