"""config.json: minBERT's keys are read; unsupported values are rejected with their key."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.config import BertConfig, config_from_json
from pipeline.errors import BackboneError

SMALL = BertConfig(60, 32, 2, 2, 64, 16, 2, 0, 0.1, 0.1, 1e-12)
GOOD = {**asdict(SMALL), "use_cache": True}
WITH_DEFAULTS = ("model_type", "hidden_act", "position_embedding_type")


def written(directory: Path, config: Mapping[str, Any]) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    return path


def test_config_is_read_and_irrelevant_keys_are_ignored(tmp_path: Path) -> None:
    assert config_from_json(written(tmp_path, GOOD)) == SMALL
    short = {key: value for key, value in GOOD.items() if key not in WITH_DEFAULTS}
    assert config_from_json(written(tmp_path, short)) == SMALL


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model_type", "roberta", "model_type must be 'bert', not 'roberta'"),
        ("hidden_act", "gelu_new", "hidden_act must be 'gelu', not 'gelu_new'"),
        ("position_embedding_type", "relative_key", "position_embedding_type must be 'absolute'"),
        ("num_attention_heads", 5, r"hidden_size \(32\) must be a multiple of .*heads \(5\)"),
        ("hidden_size", "32", "hidden_size must be a valid integer, not '32'"),
        ("num_hidden_layers", 0, "num_hidden_layers must be greater than or equal to 1, not 0"),
        ("num_hidden_layers", 2.5, "num_hidden_layers must be a valid integer, not 2.5"),
        ("vocab_size", True, "vocab_size must be a valid integer, not True"),
        ("pad_token_id", -1, "pad_token_id must be greater than or equal to 0, not -1"),
        ("pad_token_id", 60, r"pad_token_id \(60\) is outside the vocabulary"),
        ("hidden_dropout_prob", 1.0, "hidden_dropout_prob must be less than 1, not 1.0"),
        ("layer_norm_eps", 0, "layer_norm_eps must be greater than 0, not 0"),
    ],
)
def test_config_of_a_different_model_is_rejected_with_file_and_key(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    path = written(tmp_path, {**GOOD, key: value})
    with pytest.raises(BackboneError, match=f"config.json does not describe a BERT: {message}"):
        config_from_json(path)


def test_all_problems_of_a_config_are_named_at_once(tmp_path: Path) -> None:
    message = "; ".join(f"{key} is missing" for key in asdict(SMALL) if key not in WITH_DEFAULTS)
    with pytest.raises(BackboneError, match=f"{message}; hidden_act must be 'gelu', not 'relu'"):
        config_from_json(written(tmp_path, {"hidden_act": "relu"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "config.json is missing"), ("{", "is not JSON"), ("[1]", "expected keys and values")],
)
def test_a_file_that_is_not_a_config_is_rejected(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BackboneError, match=message):
        config_from_json(path)
